-- The first schema. Instants are microseconds since 1970 UTC, days ISO text, money fen, lists and maps JSON text.

CREATE TABLE org_unit (
    id TEXT NOT NULL,
    parent_id TEXT,
    kind TEXT NOT NULL
        CONSTRAINT ck_org_unit_kind CHECK (kind IN ('company','region','branch','team')),
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    external_id TEXT,
    CONSTRAINT pk_org_unit PRIMARY KEY (id),
    CONSTRAINT fk_org_unit_parent_id FOREIGN KEY (parent_id) REFERENCES org_unit (id)
) STRICT;
CREATE INDEX ix_org_unit_parent_id ON org_unit (parent_id);

CREATE TABLE person (
    id TEXT NOT NULL,
    number TEXT NOT NULL,
    name TEXT NOT NULL,
    initials TEXT NOT NULL,
    role TEXT NOT NULL,
    reach TEXT,
    unit_id TEXT NOT NULL,
    branch_id TEXT,
    manager_id TEXT,
    status TEXT NOT NULL
        CONSTRAINT ck_person_status CHECK (status IN ('active','frozen','left')),
    phone TEXT,
    hired_on TEXT,
    left_on TEXT,
    external_id TEXT,
    CONSTRAINT pk_person PRIMARY KEY (id),
    CONSTRAINT fk_person_branch_id FOREIGN KEY (branch_id) REFERENCES org_unit (id),
    CONSTRAINT fk_person_manager_id FOREIGN KEY (manager_id) REFERENCES person (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_person_unit_id FOREIGN KEY (unit_id) REFERENCES org_unit (id)
) STRICT;
CREATE INDEX ix_person_branch_id ON person (branch_id);
CREATE INDEX ix_person_external_id ON person (external_id);
CREATE INDEX ix_person_manager_id ON person (manager_id);
CREATE INDEX ix_person_number ON person (number);
CREATE INDEX ix_person_unit_id ON person (unit_id);

CREATE TABLE product_line (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_product_line PRIMARY KEY (id)
) STRICT;

CREATE TABLE product (
    id TEXT NOT NULL,
    line_id TEXT,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    unit_price INTEGER
        CONSTRAINT ck_product_unit_price CHECK (unit_price >= 0),
    active INTEGER NOT NULL
        CONSTRAINT ck_product_active CHECK (active IN (0, 1)),
    external_id TEXT,
    CONSTRAINT pk_product PRIMARY KEY (id),
    CONSTRAINT fk_product_line_id FOREIGN KEY (line_id) REFERENCES product_line (id)
) STRICT;
CREATE INDEX ix_product_code ON product (code);
CREATE INDEX ix_product_external_id ON product (external_id);
CREATE INDEX ix_product_line_id ON product (line_id);
CREATE INDEX ix_product_name ON product (name);

CREATE TABLE setting (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_setting PRIMARY KEY (name)
) STRICT;

CREATE TABLE pipeline (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL,
    archived_at INTEGER,
    CONSTRAINT pk_pipeline PRIMARY KEY (id)
) STRICT;

CREATE TABLE stage (
    pipeline_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL
        CONSTRAINT ck_stage_kind CHECK (kind IN ('open','won','lost')),
    position INTEGER NOT NULL,
    probability INTEGER NOT NULL,
    rotting_days INTEGER NOT NULL,
    goal TEXT NOT NULL,
    exit_criteria TEXT NOT NULL,
    required_fields TEXT NOT NULL,
    required_actions TEXT NOT NULL,
    CONSTRAINT pk_stage PRIMARY KEY (pipeline_id, version, code),
    CONSTRAINT fk_stage_pipeline_id FOREIGN KEY (pipeline_id) REFERENCES pipeline (id)
) STRICT;

CREATE TABLE customer (
    id TEXT NOT NULL,
    branch_id TEXT NOT NULL,
    owner_id TEXT,
    kind TEXT NOT NULL
        CONSTRAINT ck_customer_kind CHECK (kind IN ('person','firm')),
    name TEXT NOT NULL,
    sort_name TEXT NOT NULL,
    level TEXT NOT NULL,
    source TEXT NOT NULL,
    tags TEXT NOT NULL,
    address TEXT NOT NULL,
    birthday TEXT,
    resident_id TEXT,
    uscc TEXT,
    note TEXT NOT NULL,
    parent_id TEXT,
    extra TEXT NOT NULL,
    external_id TEXT,
    created_at INTEGER NOT NULL,
    created_on TEXT NOT NULL,
    archived_at INTEGER,
    phone TEXT NOT NULL,
    last_follow_up_at INTEGER,
    last_effective_at INTEGER,
    next_contact_at INTEGER,
    next_step TEXT NOT NULL,
    due_at INTEGER,
    due_reason TEXT NOT NULL,
    CONSTRAINT pk_customer PRIMARY KEY (id),
    CONSTRAINT fk_customer_branch_id FOREIGN KEY (branch_id) REFERENCES org_unit (id),
    CONSTRAINT fk_customer_owner_id FOREIGN KEY (owner_id) REFERENCES person (id)
) STRICT;
CREATE INDEX ix_customer_branch_due ON customer (branch_id, due_at, id, owner_id);
CREATE INDEX ix_customer_branch_sort ON customer (branch_id, archived_at, sort_name, id);
CREATE INDEX ix_customer_care ON customer (archived_at, due_at, owner_id, branch_id, level, last_effective_at);
CREATE INDEX ix_customer_due ON customer (due_at);
CREATE INDEX ix_customer_external_id ON customer (external_id);
CREATE INDEX ix_customer_never ON customer (due_at, id, owner_id, branch_id, due_reason)
    WHERE due_reason = 'never_contacted';
CREATE INDEX ix_customer_owner_due ON customer (owner_id, due_at);
CREATE INDEX ix_customer_owner_sort ON customer (owner_id, archived_at, sort_name, id);
CREATE INDEX ix_customer_parent ON customer (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX ix_customer_sort ON customer (archived_at, sort_name, id);

CREATE TABLE contact_point (
    id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    normal TEXT NOT NULL,
    note TEXT NOT NULL,
    position INTEGER NOT NULL,
    CONSTRAINT pk_contact_point PRIMARY KEY (id),
    CONSTRAINT fk_contact_point_customer_id FOREIGN KEY (customer_id) REFERENCES customer (id)
) STRICT;
CREATE INDEX ix_contact_point_customer_id ON contact_point (customer_id);
CREATE INDEX ix_contact_point_kind_normal ON contact_point (kind, normal);

CREATE TABLE contact (
    id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    phone TEXT NOT NULL,
    note TEXT NOT NULL,
    archived_at INTEGER,
    CONSTRAINT pk_contact PRIMARY KEY (id),
    CONSTRAINT fk_contact_customer_id FOREIGN KEY (customer_id) REFERENCES customer (id)
) STRICT;
CREATE INDEX ix_contact_customer_id ON contact (customer_id);

CREATE TABLE ownership_event (
    id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    from_owner_id TEXT,
    to_owner_id TEXT,
    at INTEGER NOT NULL,
    actor_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT pk_ownership_event PRIMARY KEY (id),
    CONSTRAINT fk_ownership_event_actor_id FOREIGN KEY (actor_id) REFERENCES person (id),
    CONSTRAINT fk_ownership_event_customer_id FOREIGN KEY (customer_id) REFERENCES customer (id),
    CONSTRAINT fk_ownership_event_from_owner_id FOREIGN KEY (from_owner_id) REFERENCES person (id),
    CONSTRAINT fk_ownership_event_to_owner_id FOREIGN KEY (to_owner_id) REFERENCES person (id)
) STRICT;
CREATE INDEX ix_ownership_event_customer ON ownership_event (customer_id, at);

CREATE TABLE lead (
    id TEXT NOT NULL,
    branch_id TEXT NOT NULL,
    owner_id TEXT,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL
        CONSTRAINT ck_lead_status CHECK (status IN ('new','following','converted','invalid')),
    created_on TEXT NOT NULL,
    converted_on TEXT,
    customer_id TEXT,
    extra TEXT NOT NULL,
    external_id TEXT,
    CONSTRAINT pk_lead PRIMARY KEY (id),
    CONSTRAINT fk_lead_branch_id FOREIGN KEY (branch_id) REFERENCES org_unit (id),
    CONSTRAINT fk_lead_owner_id FOREIGN KEY (owner_id) REFERENCES person (id)
) STRICT;
CREATE INDEX ix_lead_branch_created ON lead (branch_id, created_on);
CREATE INDEX ix_lead_customer ON lead (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX ix_lead_external_id ON lead (external_id);
CREATE INDEX ix_lead_owner_id ON lead (owner_id);

CREATE TABLE deal (
    id TEXT NOT NULL,
    customer_id TEXT,
    branch_id TEXT NOT NULL,
    owner_id TEXT,
    pipeline_id TEXT NOT NULL,
    title TEXT NOT NULL,
    stage TEXT NOT NULL,
    state TEXT NOT NULL
        CONSTRAINT ck_deal_state CHECK (state IN ('open','won','lost')),
    cycle INTEGER NOT NULL,
    stage_entered_at INTEGER NOT NULL,
    rots_at INTEGER,
    due_at INTEGER,
    amount INTEGER
        CONSTRAINT ck_deal_amount CHECK (amount >= 0),
    product_id TEXT,
    line_id TEXT,
    source TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_on TEXT NOT NULL,
    engaged_on TEXT,
    expected_close_on TEXT,
    closed_at INTEGER,
    closed_on TEXT,
    lost_reason TEXT NOT NULL,
    lost_from TEXT NOT NULL,
    extra TEXT NOT NULL,
    external_id TEXT,
    archived_at INTEGER,
    CONSTRAINT pk_deal PRIMARY KEY (id),
    CONSTRAINT fk_deal_branch_id FOREIGN KEY (branch_id) REFERENCES org_unit (id),
    CONSTRAINT fk_deal_customer_id FOREIGN KEY (customer_id) REFERENCES customer (id),
    CONSTRAINT fk_deal_line_id FOREIGN KEY (line_id) REFERENCES product_line (id),
    CONSTRAINT fk_deal_owner_id FOREIGN KEY (owner_id) REFERENCES person (id),
    CONSTRAINT fk_deal_pipeline_id FOREIGN KEY (pipeline_id) REFERENCES pipeline (id),
    CONSTRAINT fk_deal_product_id FOREIGN KEY (product_id) REFERENCES product (id)
) STRICT;
CREATE INDEX ix_deal_board ON deal (pipeline_id, state, stage, due_at, id);
CREATE INDEX ix_deal_branch_board ON deal (branch_id, pipeline_id, state, stage, due_at, id);
CREATE INDEX ix_deal_closed ON deal (state, closed_on, id, pipeline_id, stage, archived_at, branch_id, owner_id)
    WHERE closed_on IS NOT NULL;
CREATE INDEX ix_deal_customer ON deal (customer_id, state);
CREATE INDEX ix_deal_external_id ON deal (external_id);
CREATE INDEX ix_deal_line_id ON deal (line_id);
CREATE INDEX ix_deal_opened ON deal (archived_at, pipeline_id, created_on, branch_id, owner_id, state, stage, lost_from, id);
CREATE INDEX ix_deal_outcome ON deal (archived_at, closed_on, engaged_on, state, stage, branch_id, owner_id, amount);
CREATE INDEX ix_deal_owner_board ON deal (owner_id, pipeline_id, state, stage, due_at, id);
CREATE INDEX ix_deal_product_id ON deal (product_id);
CREATE INDEX ix_deal_standing ON deal (pipeline_id, state, stage, amount, stage_entered_at, branch_id, owner_id,
    customer_id, archived_at)
    WHERE state = 'open' AND archived_at IS NULL;
CREATE INDEX ix_deal_waiting ON deal (archived_at, state, expected_close_on, pipeline_id, stage, amount, rots_at,
    branch_id, owner_id);

CREATE TABLE stage_visit (
    id TEXT NOT NULL,
    deal_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    stage TEXT NOT NULL,
    from_stage TEXT NOT NULL,
    kind TEXT NOT NULL,
    entered_at INTEGER NOT NULL,
    left_at INTEGER,
    actor_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    taken_back_at INTEGER,
    taken_back_by TEXT,
    CONSTRAINT pk_stage_visit PRIMARY KEY (id),
    CONSTRAINT fk_stage_visit_actor_id FOREIGN KEY (actor_id) REFERENCES person (id),
    CONSTRAINT fk_stage_visit_deal_id FOREIGN KEY (deal_id) REFERENCES deal (id),
    CONSTRAINT fk_stage_visit_taken_back_by FOREIGN KEY (taken_back_by) REFERENCES person (id)
) STRICT;
CREATE INDEX ix_stage_visit_deal ON stage_visit (deal_id, entered_at);
CREATE INDEX ix_stage_visit_dwell ON stage_visit (deal_id, taken_back_at, stage, entered_at, left_at);
CREATE INDEX ix_stage_visit_stage ON stage_visit (stage, entered_at);

CREATE TABLE stage_evidence (
    id TEXT NOT NULL,
    deal_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    stage TEXT NOT NULL,
    action TEXT NOT NULL,
    words TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor_id TEXT NOT NULL,
    withdrawn_at INTEGER,
    CONSTRAINT pk_stage_evidence PRIMARY KEY (id),
    CONSTRAINT fk_stage_evidence_actor_id FOREIGN KEY (actor_id) REFERENCES person (id),
    CONSTRAINT fk_stage_evidence_deal_id FOREIGN KEY (deal_id) REFERENCES deal (id)
) STRICT;
CREATE INDEX ix_stage_evidence_deal ON stage_evidence (deal_id, cycle, stage);

CREATE TABLE follow_up (
    id TEXT NOT NULL,
    root_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    replaced_by TEXT,
    retracted_at INTEGER,
    customer_id TEXT NOT NULL,
    deal_id TEXT,
    branch_id TEXT NOT NULL,
    author_id TEXT NOT NULL,
    amended_by TEXT,
    channel TEXT NOT NULL,
    result TEXT NOT NULL,
    need_change TEXT NOT NULL,
    objections TEXT NOT NULL,
    objection_note TEXT NOT NULL,
    next_step TEXT NOT NULL,
    next_at INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    occurred_on TEXT NOT NULL,
    logged_at INTEGER NOT NULL,
    effective INTEGER NOT NULL
        CONSTRAINT ck_follow_up_effective CHECK (effective IN (0, 1)),
    CONSTRAINT pk_follow_up PRIMARY KEY (id),
    CONSTRAINT fk_follow_up_author_id FOREIGN KEY (author_id) REFERENCES person (id),
    CONSTRAINT fk_follow_up_amended_by FOREIGN KEY (amended_by) REFERENCES person (id),
    CONSTRAINT fk_follow_up_branch_id FOREIGN KEY (branch_id) REFERENCES org_unit (id),
    CONSTRAINT fk_follow_up_customer_id FOREIGN KEY (customer_id) REFERENCES customer (id)
) STRICT;
CREATE INDEX ix_follow_up_author_on ON follow_up (author_id, occurred_on);
CREATE INDEX ix_follow_up_branch_on ON follow_up (branch_id, occurred_on);
CREATE INDEX ix_follow_up_customer_occurred ON follow_up (customer_id, occurred_at);
CREATE INDEX ix_follow_up_deal_id ON follow_up (deal_id);
CREATE INDEX ix_follow_up_root_id ON follow_up (root_id);

CREATE TABLE contact_plan (
    id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    next_at INTEGER NOT NULL,
    next_step TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    actor_id TEXT NOT NULL,
    follow_up_id TEXT,
    reason TEXT NOT NULL,
    retracted_at INTEGER,
    CONSTRAINT pk_contact_plan PRIMARY KEY (id),
    CONSTRAINT fk_contact_plan_actor_id FOREIGN KEY (actor_id) REFERENCES person (id),
    CONSTRAINT fk_contact_plan_customer_id FOREIGN KEY (customer_id) REFERENCES customer (id),
    CONSTRAINT fk_contact_plan_follow_up_id FOREIGN KEY (follow_up_id) REFERENCES follow_up (id)
) STRICT;
CREATE INDEX ix_contact_plan_customer ON contact_plan (customer_id, set_at);

CREATE TABLE import_batch (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    file_name TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    undone_at INTEGER,
    CONSTRAINT pk_import_batch PRIMARY KEY (id),
    CONSTRAINT fk_import_batch_actor_id FOREIGN KEY (actor_id) REFERENCES person (id)
) STRICT;

CREATE TABLE import_row (
    id TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    row_id TEXT NOT NULL,
    before TEXT,
    CONSTRAINT pk_import_row PRIMARY KEY (id),
    CONSTRAINT fk_import_row_batch_id FOREIGN KEY (batch_id) REFERENCES import_batch (id)
) STRICT;
CREATE INDEX ix_import_row_batch ON import_row (batch_id, seq);
CREATE INDEX ix_import_row_row ON import_row (row_id, batch_id);

CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    cmd_id TEXT NOT NULL CONSTRAINT uq_outbox_cmd_id UNIQUE,
    batch_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    args TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    code TEXT NOT NULL,
    details TEXT,
    supersedes TEXT NOT NULL,
    hub_at INTEGER,
    told TEXT NOT NULL,
    settled TEXT NOT NULL,
    about TEXT NOT NULL
) STRICT;
CREATE INDEX ix_outbox_answered ON outbox (seq) WHERE state NOT IN ('pending', 'applied') AND settled = '';

CREATE TABLE sync_cursor (
    space TEXT NOT NULL,
    rev INTEGER NOT NULL,
    CONSTRAINT pk_sync_cursor PRIMARY KEY (space)
) STRICT;

CREATE TABLE sync_undo (
    no INTEGER PRIMARY KEY,
    tbl TEXT NOT NULL,
    key TEXT NOT NULL,
    before TEXT
) STRICT;

CREATE TABLE meta (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_meta PRIMARY KEY (name)
) STRICT;

CREATE TABLE credential (
    person_id TEXT NOT NULL,
    verifier TEXT NOT NULL,
    failures INTEGER NOT NULL,
    locked_until INTEGER,
    CONSTRAINT pk_credential PRIMARY KEY (person_id)
) STRICT;

CREATE TABLE draft (
    person_id TEXT NOT NULL,
    form TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    answers TEXT NOT NULL,
    saved_at INTEGER NOT NULL,
    about TEXT NOT NULL,
    CONSTRAINT pk_draft PRIMARY KEY (person_id, form, subject_id)
) STRICT;

CREATE TABLE edit_lease (
    customer_id TEXT NOT NULL,
    holder TEXT NOT NULL,
    person_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    CONSTRAINT pk_edit_lease PRIMARY KEY (customer_id)
) STRICT;

CREATE TABLE search_entry (
    no INTEGER PRIMARY KEY,
    customer_id TEXT NOT NULL CONSTRAINT uq_search_entry_customer_id UNIQUE,
    grams TEXT NOT NULL
) STRICT;

-- Ready-made grams only: no positions, no copy of the text (search_entry keeps it for exact removal).
CREATE VIRTUAL TABLE customer_gram USING fts5(grams, content='', detail=none);

-- Sums that a screen shows on every visit are kept by the file itself, whoever writes: a board of half a
-- million deals costs what one of a hundred does. Milliseconds, because microseconds of so many would not fit.
CREATE TABLE deal_tally (
    pipeline_id TEXT NOT NULL,
    state TEXT NOT NULL,
    closed_on TEXT NOT NULL,
    branch_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    uses INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    CONSTRAINT pk_deal_tally PRIMARY KEY (pipeline_id, state, closed_on, branch_id, owner_id, stage)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER deal_tally_insert AFTER INSERT ON deal
WHEN NEW.archived_at IS NULL AND NEW.state <> 'lost'
BEGIN
    INSERT INTO deal_tally (pipeline_id, state, closed_on, branch_id, owner_id, stage, uses, amount, entered)
    VALUES (NEW.pipeline_id, NEW.state, iif(NEW.state = 'won', ifnull(NEW.closed_on, ''), ''), NEW.branch_id,
        iif(NEW.state = 'open', ifnull(NEW.owner_id, ''), ''), NEW.stage,
        1, ifnull(NEW.amount, 0), NEW.stage_entered_at / 1000)
    ON CONFLICT DO UPDATE SET
        uses = uses + 1, amount = amount + excluded.amount, entered = entered + excluded.entered;
END;

CREATE TRIGGER deal_tally_delete AFTER DELETE ON deal
WHEN OLD.archived_at IS NULL AND OLD.state <> 'lost'
BEGIN
    UPDATE deal_tally SET uses = uses - 1, amount = amount - ifnull(OLD.amount, 0),
        entered = entered - OLD.stage_entered_at / 1000
    WHERE pipeline_id = OLD.pipeline_id AND state = OLD.state
        AND closed_on = iif(OLD.state = 'won', ifnull(OLD.closed_on, ''), '') AND branch_id = OLD.branch_id
        AND owner_id = iif(OLD.state = 'open', ifnull(OLD.owner_id, ''), '') AND stage = OLD.stage;
END;

CREATE TRIGGER deal_tally_update AFTER UPDATE OF
    pipeline_id, state, closed_on, branch_id, owner_id, stage, amount, stage_entered_at, archived_at ON deal
BEGIN
    UPDATE deal_tally SET uses = uses - 1, amount = amount - ifnull(OLD.amount, 0),
        entered = entered - OLD.stage_entered_at / 1000
    WHERE OLD.archived_at IS NULL AND OLD.state <> 'lost'
        AND pipeline_id = OLD.pipeline_id AND state = OLD.state
        AND closed_on = iif(OLD.state = 'won', ifnull(OLD.closed_on, ''), '') AND branch_id = OLD.branch_id
        AND owner_id = iif(OLD.state = 'open', ifnull(OLD.owner_id, ''), '') AND stage = OLD.stage;
    INSERT INTO deal_tally (pipeline_id, state, closed_on, branch_id, owner_id, stage, uses, amount, entered)
    SELECT NEW.pipeline_id, NEW.state, iif(NEW.state = 'won', ifnull(NEW.closed_on, ''), ''), NEW.branch_id,
        iif(NEW.state = 'open', ifnull(NEW.owner_id, ''), ''), NEW.stage,
        1, ifnull(NEW.amount, 0), NEW.stage_entered_at / 1000
    WHERE NEW.archived_at IS NULL AND NEW.state <> 'lost'
    ON CONFLICT DO UPDATE SET
        uses = uses + 1, amount = amount + excluded.amount, entered = entered + excluded.entered;
END;

CREATE TABLE customer_tally (
    branch_id TEXT NOT NULL,
    level TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    uses INTEGER NOT NULL,
    CONSTRAINT pk_customer_tally PRIMARY KEY (branch_id, level, kind, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE tag_tally (
    branch_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    uses INTEGER NOT NULL,
    CONSTRAINT pk_tag_tally PRIMARY KEY (branch_id, tag)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER customer_tally_insert AFTER INSERT ON customer WHEN NEW.archived_at IS NULL
BEGIN
    INSERT INTO customer_tally (branch_id, level, kind, source, uses)
    VALUES (NEW.branch_id, NEW.level, NEW.kind, NEW.source, 1)
    ON CONFLICT DO UPDATE SET uses = uses + 1;
END;

CREATE TRIGGER customer_tally_delete AFTER DELETE ON customer WHEN OLD.archived_at IS NULL
BEGIN
    UPDATE customer_tally SET uses = uses - 1
    WHERE branch_id = OLD.branch_id AND level = OLD.level AND kind = OLD.kind AND source = OLD.source;
END;

CREATE TRIGGER customer_tally_update AFTER UPDATE OF branch_id, level, kind, source, archived_at ON customer
BEGIN
    UPDATE customer_tally SET uses = uses - 1
    WHERE OLD.archived_at IS NULL
        AND branch_id = OLD.branch_id AND level = OLD.level AND kind = OLD.kind AND source = OLD.source;
    INSERT INTO customer_tally (branch_id, level, kind, source, uses)
    SELECT NEW.branch_id, NEW.level, NEW.kind, NEW.source, 1 WHERE NEW.archived_at IS NULL
    ON CONFLICT DO UPDATE SET uses = uses + 1;
END;

CREATE TRIGGER tag_tally_insert AFTER INSERT ON customer WHEN NEW.archived_at IS NULL AND NEW.tags <> '[]'
BEGIN
    INSERT INTO tag_tally (branch_id, tag, uses)
    SELECT DISTINCT NEW.branch_id, value, 1 FROM json_each(NEW.tags) WHERE true
    ON CONFLICT DO UPDATE SET uses = uses + 1;
END;

CREATE TRIGGER tag_tally_delete AFTER DELETE ON customer WHEN OLD.archived_at IS NULL AND OLD.tags <> '[]'
BEGIN
    UPDATE tag_tally SET uses = uses - 1
    WHERE branch_id = OLD.branch_id AND tag IN (SELECT value FROM json_each(OLD.tags));
END;

CREATE TRIGGER tag_tally_update AFTER UPDATE OF branch_id, tags, archived_at ON customer
WHEN OLD.tags <> '[]' OR NEW.tags <> '[]'
BEGIN
    UPDATE tag_tally SET uses = uses - 1
    WHERE OLD.archived_at IS NULL
        AND branch_id = OLD.branch_id AND tag IN (SELECT value FROM json_each(OLD.tags));
    INSERT INTO tag_tally (branch_id, tag, uses)
    SELECT DISTINCT NEW.branch_id, value, 1 FROM json_each(NEW.tags) WHERE NEW.archived_at IS NULL
    ON CONFLICT DO UPDATE SET uses = uses + 1;
END;
