-- Written by tools/build_hub_schema.py.

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'crm_tui_hub') THEN
    CREATE ROLE crm_tui_hub NOLOGIN NOBYPASSRLS;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- made just now for another
END $$;

DO $$ BEGIN
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO crm_tui_hub', current_database());
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO crm_tui_hub', current_schema());
  IF NOT pg_has_role(current_user, 'crm_tui_hub', CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END) THEN
    EXECUTE format('GRANT crm_tui_hub TO %I', current_user);
  END IF;
END $$;

CREATE TABLE organisation (
	org_id TEXT COLLATE "C" PRIMARY KEY,
	name TEXT NOT NULL,
	founded_at BIGINT NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON organisation TO crm_tui_hub;

CREATE TABLE org_unit (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	parent_id TEXT COLLATE "C",
	kind TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	time_zone TEXT COLLATE "C" NOT NULL,
	external_id TEXT COLLATE "C",
	CONSTRAINT pk_org_unit PRIMARY KEY (org_id, id),
	CONSTRAINT fk_org_unit_parent_id FOREIGN KEY(org_id, parent_id) REFERENCES org_unit (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_org_unit_parent_id ON org_unit (org_id, parent_id);

CREATE TABLE person (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	number TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	initials TEXT COLLATE "C" NOT NULL,
	role TEXT COLLATE "C" NOT NULL,
	reach TEXT COLLATE "C",
	unit_id TEXT COLLATE "C" NOT NULL,
	branch_id TEXT COLLATE "C",
	manager_id TEXT COLLATE "C",
	status TEXT COLLATE "C" NOT NULL,
	phone TEXT COLLATE "C",
	hired_on DATE,
	left_on DATE,
	external_id TEXT COLLATE "C",
	CONSTRAINT pk_person PRIMARY KEY (org_id, id),
	CONSTRAINT fk_person_branch_id FOREIGN KEY(org_id, branch_id) REFERENCES org_unit (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_person_manager_id FOREIGN KEY(org_id, manager_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY DEFERRED,
	CONSTRAINT fk_person_unit_id FOREIGN KEY(org_id, unit_id) REFERENCES org_unit (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_person_branch_id ON person (org_id, branch_id);

CREATE INDEX ix_person_external_id ON person (org_id, external_id);

CREATE INDEX ix_person_manager_id ON person (org_id, manager_id);

CREATE INDEX ix_person_number ON person (org_id, number);

CREATE INDEX ix_person_unit_id ON person (org_id, unit_id);

CREATE TABLE product_line (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_product_line PRIMARY KEY (org_id, id)
);

CREATE TABLE product (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	line_id TEXT COLLATE "C",
	code TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	unit_price BIGINT,
	active BOOLEAN NOT NULL,
	external_id TEXT COLLATE "C",
	CONSTRAINT pk_product PRIMARY KEY (org_id, id),
	CONSTRAINT fk_product_line_id FOREIGN KEY(org_id, line_id) REFERENCES product_line (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_product_code ON product (org_id, code);

CREATE INDEX ix_product_external_id ON product (org_id, external_id);

CREATE INDEX ix_product_line_id ON product (org_id, line_id);

CREATE INDEX ix_product_name ON product (org_id, name);

CREATE TABLE setting (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	value TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_setting PRIMARY KEY (org_id, name)
);

CREATE TABLE pipeline (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	version BIGINT NOT NULL,
	position BIGINT NOT NULL,
	archived_at BIGINT,
	CONSTRAINT pk_pipeline PRIMARY KEY (org_id, id)
);

CREATE TABLE stage (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	pipeline_id TEXT COLLATE "C" NOT NULL,
	version BIGINT NOT NULL,
	code TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	position BIGINT NOT NULL,
	probability BIGINT NOT NULL,
	rotting_days BIGINT NOT NULL,
	goal TEXT COLLATE "C" NOT NULL,
	exit_criteria TEXT COLLATE "C" NOT NULL,
	required_fields TEXT COLLATE "C" NOT NULL,
	required_actions TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_stage PRIMARY KEY (org_id, pipeline_id, version, code),
	CONSTRAINT fk_stage_pipeline_id FOREIGN KEY(org_id, pipeline_id) REFERENCES pipeline (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE TABLE customer (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	branch_id TEXT COLLATE "C" NOT NULL,
	owner_id TEXT COLLATE "C",
	kind TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	sort_name TEXT COLLATE "C" NOT NULL,
	level TEXT COLLATE "C" NOT NULL,
	source TEXT COLLATE "C" NOT NULL,
	tags TEXT COLLATE "C" NOT NULL,
	address TEXT COLLATE "C" NOT NULL,
	birthday DATE,
	resident_id TEXT COLLATE "C",
	uscc TEXT COLLATE "C",
	note TEXT COLLATE "C" NOT NULL,
	parent_id TEXT COLLATE "C",
	extra TEXT COLLATE "C" NOT NULL,
	external_id TEXT COLLATE "C",
	created_at BIGINT NOT NULL,
	created_on DATE NOT NULL,
	archived_at BIGINT,
	phone TEXT COLLATE "C" NOT NULL,
	last_follow_up_at BIGINT,
	last_effective_at BIGINT,
	next_contact_at BIGINT,
	next_step TEXT COLLATE "C" NOT NULL,
	due_at BIGINT,
	due_reason TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_customer PRIMARY KEY (org_id, id),
	CONSTRAINT fk_customer_branch_id FOREIGN KEY(org_id, branch_id) REFERENCES org_unit (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_customer_owner_id FOREIGN KEY(org_id, owner_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_customer_branch_due ON customer (org_id, branch_id, due_at, id, owner_id);

CREATE INDEX ix_customer_branch_sort ON customer (org_id, branch_id, archived_at, sort_name, id);

CREATE INDEX ix_customer_care ON customer (org_id, archived_at, due_at, owner_id, branch_id, level, last_effective_at);

CREATE INDEX ix_customer_due ON customer (org_id, due_at);

CREATE INDEX ix_customer_external_id ON customer (org_id, external_id);

CREATE INDEX ix_customer_never ON customer (org_id, due_at, id, owner_id, branch_id, due_reason) WHERE due_reason = 'never_contacted';

CREATE INDEX ix_customer_owner_due ON customer (org_id, owner_id, due_at);

CREATE INDEX ix_customer_owner_sort ON customer (org_id, owner_id, archived_at, sort_name, id);

CREATE INDEX ix_customer_parent ON customer (org_id, parent_id) WHERE parent_id IS NOT NULL;

CREATE INDEX ix_customer_sort ON customer (org_id, archived_at, sort_name, id);

CREATE TABLE contact_point (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	customer_id TEXT COLLATE "C" NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	value TEXT COLLATE "C" NOT NULL,
	normal TEXT COLLATE "C" NOT NULL,
	note TEXT COLLATE "C" NOT NULL,
	position BIGINT NOT NULL,
	CONSTRAINT pk_contact_point PRIMARY KEY (org_id, id),
	CONSTRAINT fk_contact_point_customer_id FOREIGN KEY(org_id, customer_id) REFERENCES customer (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_contact_point_customer_id ON contact_point (org_id, customer_id);

CREATE INDEX ix_contact_point_kind_normal ON contact_point (org_id, kind, normal);

CREATE TABLE contact (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	customer_id TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	title TEXT COLLATE "C" NOT NULL,
	phone TEXT COLLATE "C" NOT NULL,
	note TEXT COLLATE "C" NOT NULL,
	archived_at BIGINT,
	CONSTRAINT pk_contact PRIMARY KEY (org_id, id),
	CONSTRAINT fk_contact_customer_id FOREIGN KEY(org_id, customer_id) REFERENCES customer (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_contact_customer_id ON contact (org_id, customer_id);

CREATE TABLE ownership_event (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	customer_id TEXT COLLATE "C" NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	from_owner_id TEXT COLLATE "C",
	to_owner_id TEXT COLLATE "C",
	at BIGINT NOT NULL,
	actor_id TEXT COLLATE "C" NOT NULL,
	reason TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_ownership_event PRIMARY KEY (org_id, id),
	CONSTRAINT fk_ownership_event_actor_id FOREIGN KEY(org_id, actor_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_ownership_event_customer_id FOREIGN KEY(org_id, customer_id) REFERENCES customer (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_ownership_event_from_owner_id FOREIGN KEY(org_id, from_owner_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_ownership_event_to_owner_id FOREIGN KEY(org_id, to_owner_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_ownership_event_customer ON ownership_event (org_id, customer_id, at);

CREATE TABLE lead (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	branch_id TEXT COLLATE "C" NOT NULL,
	owner_id TEXT COLLATE "C",
	name TEXT COLLATE "C" NOT NULL,
	phone TEXT COLLATE "C" NOT NULL,
	source TEXT COLLATE "C" NOT NULL,
	status TEXT COLLATE "C" NOT NULL,
	created_on DATE NOT NULL,
	converted_on DATE,
	customer_id TEXT COLLATE "C",
	extra TEXT COLLATE "C" NOT NULL,
	external_id TEXT COLLATE "C",
	CONSTRAINT pk_lead PRIMARY KEY (org_id, id),
	CONSTRAINT fk_lead_branch_id FOREIGN KEY(org_id, branch_id) REFERENCES org_unit (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_lead_owner_id FOREIGN KEY(org_id, owner_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_lead_branch_created ON lead (org_id, branch_id, created_on);

CREATE INDEX ix_lead_customer ON lead (org_id, customer_id) WHERE customer_id IS NOT NULL;

CREATE INDEX ix_lead_external_id ON lead (org_id, external_id);

CREATE INDEX ix_lead_owner_id ON lead (org_id, owner_id);

CREATE TABLE deal (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	customer_id TEXT COLLATE "C",
	branch_id TEXT COLLATE "C" NOT NULL,
	owner_id TEXT COLLATE "C",
	pipeline_id TEXT COLLATE "C" NOT NULL,
	title TEXT COLLATE "C" NOT NULL,
	stage TEXT COLLATE "C" NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	cycle BIGINT NOT NULL,
	stage_entered_at BIGINT NOT NULL,
	rots_at BIGINT,
	due_at BIGINT,
	amount BIGINT,
	product_id TEXT COLLATE "C",
	line_id TEXT COLLATE "C",
	source TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	created_on DATE NOT NULL,
	engaged_on DATE,
	expected_close_on DATE,
	closed_at BIGINT,
	closed_on DATE,
	lost_reason TEXT COLLATE "C" NOT NULL,
	lost_from TEXT COLLATE "C" NOT NULL,
	extra TEXT COLLATE "C" NOT NULL,
	external_id TEXT COLLATE "C",
	archived_at BIGINT,
	CONSTRAINT pk_deal PRIMARY KEY (org_id, id),
	CONSTRAINT fk_deal_branch_id FOREIGN KEY(org_id, branch_id) REFERENCES org_unit (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_deal_customer_id FOREIGN KEY(org_id, customer_id) REFERENCES customer (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_deal_line_id FOREIGN KEY(org_id, line_id) REFERENCES product_line (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_deal_owner_id FOREIGN KEY(org_id, owner_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_deal_pipeline_id FOREIGN KEY(org_id, pipeline_id) REFERENCES pipeline (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_deal_product_id FOREIGN KEY(org_id, product_id) REFERENCES product (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_deal_board ON deal (org_id, pipeline_id, state, stage, due_at, id);

CREATE INDEX ix_deal_branch_board ON deal (org_id, branch_id, pipeline_id, state, stage, due_at, id);

CREATE INDEX ix_deal_closed ON deal (org_id, state, closed_on, id, pipeline_id, stage, archived_at, branch_id, owner_id) WHERE closed_on IS NOT NULL;

CREATE INDEX ix_deal_customer ON deal (org_id, customer_id, state);

CREATE INDEX ix_deal_external_id ON deal (org_id, external_id);

CREATE INDEX ix_deal_line_id ON deal (org_id, line_id);

CREATE INDEX ix_deal_opened ON deal (org_id, archived_at, pipeline_id, created_on, branch_id, owner_id, state, stage, lost_from, id);

CREATE INDEX ix_deal_outcome ON deal (org_id, archived_at, closed_on, engaged_on, state, stage, branch_id, owner_id, amount);

CREATE INDEX ix_deal_owner_board ON deal (org_id, owner_id, pipeline_id, state, stage, due_at, id);

CREATE INDEX ix_deal_product_id ON deal (org_id, product_id);

CREATE INDEX ix_deal_standing ON deal (org_id, pipeline_id, state, stage, amount, stage_entered_at, branch_id, owner_id, customer_id, archived_at) WHERE state = 'open' AND archived_at IS NULL;

CREATE INDEX ix_deal_waiting ON deal (org_id, archived_at, state, expected_close_on, pipeline_id, stage, amount, rots_at, branch_id, owner_id);

CREATE TABLE stage_visit (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	deal_id TEXT COLLATE "C" NOT NULL,
	cycle BIGINT NOT NULL,
	stage TEXT COLLATE "C" NOT NULL,
	from_stage TEXT COLLATE "C" NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	entered_at BIGINT NOT NULL,
	left_at BIGINT,
	actor_id TEXT COLLATE "C" NOT NULL,
	reason TEXT COLLATE "C" NOT NULL,
	taken_back_at BIGINT,
	taken_back_by TEXT COLLATE "C",
	CONSTRAINT pk_stage_visit PRIMARY KEY (org_id, id),
	CONSTRAINT fk_stage_visit_actor_id FOREIGN KEY(org_id, actor_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_stage_visit_deal_id FOREIGN KEY(org_id, deal_id) REFERENCES deal (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_stage_visit_taken_back_by FOREIGN KEY(org_id, taken_back_by) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_stage_visit_deal ON stage_visit (org_id, deal_id, entered_at);

CREATE INDEX ix_stage_visit_dwell ON stage_visit (org_id, deal_id, taken_back_at, stage, entered_at, left_at);

CREATE INDEX ix_stage_visit_stage ON stage_visit (org_id, stage, entered_at);

CREATE TABLE stage_evidence (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	deal_id TEXT COLLATE "C" NOT NULL,
	cycle BIGINT NOT NULL,
	stage TEXT COLLATE "C" NOT NULL,
	action TEXT COLLATE "C" NOT NULL,
	words TEXT COLLATE "C" NOT NULL,
	at BIGINT NOT NULL,
	actor_id TEXT COLLATE "C" NOT NULL,
	withdrawn_at BIGINT,
	CONSTRAINT pk_stage_evidence PRIMARY KEY (org_id, id),
	CONSTRAINT fk_stage_evidence_actor_id FOREIGN KEY(org_id, actor_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_stage_evidence_deal_id FOREIGN KEY(org_id, deal_id) REFERENCES deal (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_stage_evidence_deal ON stage_evidence (org_id, deal_id, cycle, stage);

CREATE TABLE follow_up (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	root_id TEXT COLLATE "C" NOT NULL,
	version BIGINT NOT NULL,
	replaced_by TEXT COLLATE "C",
	retracted_at BIGINT,
	customer_id TEXT COLLATE "C" NOT NULL,
	deal_id TEXT COLLATE "C",
	branch_id TEXT COLLATE "C" NOT NULL,
	author_id TEXT COLLATE "C" NOT NULL,
	amended_by TEXT COLLATE "C",
	channel TEXT COLLATE "C" NOT NULL,
	result TEXT COLLATE "C" NOT NULL,
	need_change TEXT COLLATE "C" NOT NULL,
	objections TEXT COLLATE "C" NOT NULL,
	objection_note TEXT COLLATE "C" NOT NULL,
	next_step TEXT COLLATE "C" NOT NULL,
	next_at BIGINT NOT NULL,
	occurred_at BIGINT NOT NULL,
	occurred_on DATE NOT NULL,
	logged_at BIGINT NOT NULL,
	effective BOOLEAN NOT NULL,
	CONSTRAINT pk_follow_up PRIMARY KEY (org_id, id),
	CONSTRAINT fk_follow_up_amended_by FOREIGN KEY(org_id, amended_by) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_follow_up_author_id FOREIGN KEY(org_id, author_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_follow_up_branch_id FOREIGN KEY(org_id, branch_id) REFERENCES org_unit (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_follow_up_customer_id FOREIGN KEY(org_id, customer_id) REFERENCES customer (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_follow_up_author_on ON follow_up (org_id, author_id, occurred_on);

CREATE INDEX ix_follow_up_branch_on ON follow_up (org_id, branch_id, occurred_on);

CREATE INDEX ix_follow_up_customer_occurred ON follow_up (org_id, customer_id, occurred_at);

CREATE INDEX ix_follow_up_deal_id ON follow_up (org_id, deal_id);

CREATE INDEX ix_follow_up_root_id ON follow_up (org_id, root_id);

CREATE TABLE contact_plan (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	customer_id TEXT COLLATE "C" NOT NULL,
	next_at BIGINT NOT NULL,
	next_step TEXT COLLATE "C" NOT NULL,
	set_at BIGINT NOT NULL,
	actor_id TEXT COLLATE "C" NOT NULL,
	follow_up_id TEXT COLLATE "C",
	reason TEXT COLLATE "C" NOT NULL,
	retracted_at BIGINT,
	CONSTRAINT pk_contact_plan PRIMARY KEY (org_id, id),
	CONSTRAINT fk_contact_plan_actor_id FOREIGN KEY(org_id, actor_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_contact_plan_customer_id FOREIGN KEY(org_id, customer_id) REFERENCES customer (org_id, id) DEFERRABLE INITIALLY IMMEDIATE,
	CONSTRAINT fk_contact_plan_follow_up_id FOREIGN KEY(org_id, follow_up_id) REFERENCES follow_up (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_contact_plan_customer ON contact_plan (org_id, customer_id, set_at);

CREATE TABLE import_batch (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	file_name TEXT COLLATE "C" NOT NULL,
	actor_id TEXT COLLATE "C" NOT NULL,
	at BIGINT NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	refused BIGINT NOT NULL,
	undone_at BIGINT,
	CONSTRAINT pk_import_batch PRIMARY KEY (org_id, id),
	CONSTRAINT fk_import_batch_actor_id FOREIGN KEY(org_id, actor_id) REFERENCES person (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE TABLE import_row (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	batch_id TEXT COLLATE "C" NOT NULL,
	seq BIGINT NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	row_id TEXT COLLATE "C" NOT NULL,
	before TEXT COLLATE "C",
	CONSTRAINT pk_import_row PRIMARY KEY (org_id, id),
	CONSTRAINT fk_import_row_batch_id FOREIGN KEY(org_id, batch_id) REFERENCES import_batch (org_id, id) DEFERRABLE INITIALLY IMMEDIATE
);

CREATE INDEX ix_import_row_batch ON import_row (org_id, batch_id, seq);

CREATE INDEX ix_import_row_row ON import_row (org_id, row_id, batch_id);

CREATE TABLE credential (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	person_id TEXT COLLATE "C" NOT NULL,
	verifier TEXT COLLATE "C" NOT NULL,
	failures BIGINT NOT NULL,
	locked_until BIGINT,
	CONSTRAINT pk_credential PRIMARY KEY (org_id, person_id)
);

CREATE TABLE outbox (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	seq BIGINT NOT NULL,
	cmd_id TEXT COLLATE "C" NOT NULL,
	batch_id TEXT COLLATE "C" NOT NULL,
	device_id TEXT COLLATE "C" NOT NULL,
	actor_id TEXT COLLATE "C" NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	version BIGINT NOT NULL,
	args TEXT COLLATE "C" NOT NULL,
	at BIGINT NOT NULL,
	state TEXT COLLATE "C" NOT NULL,
	code TEXT COLLATE "C" NOT NULL,
	details TEXT COLLATE "C",
	supersedes TEXT COLLATE "C" NOT NULL,
	hub_at BIGINT,
	told TEXT COLLATE "C" NOT NULL,
	settled TEXT COLLATE "C" NOT NULL,
	about TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_outbox PRIMARY KEY (org_id, seq),
	CONSTRAINT uq_outbox_cmd_id UNIQUE (org_id, cmd_id)
);

CREATE INDEX ix_outbox_answered ON outbox (org_id, seq) WHERE state NOT IN ('pending', 'applied') AND settled = '';

CREATE TABLE edit_lease (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	customer_id TEXT COLLATE "C" NOT NULL,
	holder TEXT COLLATE "C" NOT NULL,
	person_id TEXT COLLATE "C" NOT NULL,
	until BIGINT NOT NULL,
	CONSTRAINT pk_edit_lease PRIMARY KEY (org_id, customer_id)
);

CREATE TABLE awaited (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	device_id TEXT COLLATE "C" NOT NULL,
	done_at BIGINT,
	CONSTRAINT pk_awaited PRIMARY KEY (org_id, device_id)
);

CREATE TABLE command_alias (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	device_id TEXT COLLATE "C" NOT NULL,
	seq BIGINT NOT NULL,
	cmd_id TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_command_alias PRIMARY KEY (org_id, device_id, seq)
);

CREATE TABLE command_log (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	cmd_id TEXT COLLATE "C" NOT NULL,
	device_id TEXT COLLATE "C" NOT NULL,
	seq BIGINT NOT NULL,
	batch_id TEXT COLLATE "C" NOT NULL,
	actor_id TEXT COLLATE "C" NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	version BIGINT NOT NULL,
	args TEXT COLLATE "C" NOT NULL,
	client_at BIGINT NOT NULL,
	hub_at BIGINT NOT NULL,
	address TEXT COLLATE "C" NOT NULL,
	status TEXT COLLATE "C" NOT NULL,
	code TEXT COLLATE "C" NOT NULL,
	details TEXT COLLATE "C" NOT NULL,
	supersedes TEXT COLLATE "C" NOT NULL,
	revs TEXT COLLATE "C" NOT NULL,
	prev_hash TEXT COLLATE "C" NOT NULL,
	hash TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_command_log PRIMARY KEY (org_id, cmd_id),
	CONSTRAINT uq_command_log_device_id_seq UNIQUE (org_id, device_id, seq)
);

CREATE INDEX ix_command_log_actor ON command_log (org_id, actor_id, hub_at);

CREATE INDEX ix_command_log_hub_at ON command_log (org_id, hub_at, device_id, seq);

CREATE TABLE device (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	device_id TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	unit_id TEXT COLLATE "C" NOT NULL,
	secret_hash TEXT COLLATE "C" NOT NULL,
	machine TEXT COLLATE "C" NOT NULL,
	forked_from TEXT COLLATE "C",
	last_seq BIGINT NOT NULL,
	last_hash TEXT COLLATE "C" NOT NULL,
	status TEXT COLLATE "C" NOT NULL,
	enrolled_at BIGINT NOT NULL,
	last_seen_at BIGINT,
	skew BIGINT NOT NULL,
	app_version TEXT COLLATE "C" NOT NULL,
	safe_seq BIGINT NOT NULL,
	CONSTRAINT pk_device PRIMARY KEY (org_id, device_id)
);

CREATE TABLE feed (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	space TEXT COLLATE "C" NOT NULL,
	tbl TEXT COLLATE "C" NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	rev BIGINT NOT NULL,
	live BOOLEAN NOT NULL,
	CONSTRAINT pk_feed PRIMARY KEY (org_id, space, tbl, key)
);

CREATE INDEX ix_feed_rev ON feed (org_id, space, rev, tbl, key);

CREATE INDEX ix_feed_row ON feed (org_id, tbl, key);

CREATE TABLE flip (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	cmd_id TEXT COLLATE "C" NOT NULL,
	before TEXT COLLATE "C" NOT NULL,
	after TEXT COLLATE "C" NOT NULL,
	code TEXT COLLATE "C" NOT NULL,
	at BIGINT NOT NULL,
	CONSTRAINT pk_flip PRIMARY KEY (org_id, cmd_id)
);

CREATE TABLE hub_meta (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	value TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_hub_meta PRIMARY KEY (org_id, name)
);

CREATE TABLE identity_key (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	hmac TEXT COLLATE "C" NOT NULL,
	customer_id TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_identity_key PRIMARY KEY (org_id, kind, hmac)
);

CREATE INDEX ix_identity_key_customer ON identity_key (org_id, customer_id);

CREATE TABLE invite (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	code_hash TEXT COLLATE "C" NOT NULL,
	unit_id TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT,
	device_id TEXT COLLATE "C",
	CONSTRAINT pk_invite PRIMARY KEY (org_id, code_hash)
);

CREATE TABLE recovery (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	device_id TEXT COLLATE "C" NOT NULL,
	seq BIGINT NOT NULL,
	cmd_id TEXT COLLATE "C" NOT NULL,
	hub_at BIGINT NOT NULL,
	sealed TEXT COLLATE "C" NOT NULL,
	address TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_recovery PRIMARY KEY (org_id, device_id, seq)
);

CREATE TABLE review (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	cmd_id TEXT COLLATE "C" NOT NULL,
	opened_at BIGINT NOT NULL,
	status TEXT COLLATE "C" NOT NULL,
	code TEXT COLLATE "C" NOT NULL,
	decided_at BIGINT,
	decision TEXT COLLATE "C" NOT NULL,
	decided_by TEXT COLLATE "C" NOT NULL,
	answer_no BIGINT NOT NULL,
	answer TEXT COLLATE "C" NOT NULL,
	answer_code TEXT COLLATE "C" NOT NULL,
	answer_details TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_review PRIMARY KEY (org_id, cmd_id)
);

CREATE INDEX ix_review_answer ON review (org_id, answer_no);

CREATE INDEX ix_review_open ON review (org_id, decided_at, opened_at);

CREATE TABLE seat (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	device_id TEXT COLLATE "C" NOT NULL,
	person_id TEXT COLLATE "C" NOT NULL,
	since BIGINT NOT NULL,
	CONSTRAINT pk_seat PRIMARY KEY (org_id, device_id, person_id)
);

CREATE TABLE space_rev (
	org_id TEXT COLLATE "C" DEFAULT nullif(current_setting('crm.org', true), '') NOT NULL,
	space TEXT COLLATE "C" NOT NULL,
	rev BIGINT NOT NULL,
	CONSTRAINT pk_space_rev PRIMARY KEY (org_id, space)
);

ALTER TABLE org_unit ENABLE ROW LEVEL SECURITY;

ALTER TABLE org_unit FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON org_unit USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON org_unit TO crm_tui_hub;

ALTER TABLE person ENABLE ROW LEVEL SECURITY;

ALTER TABLE person FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON person USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON person TO crm_tui_hub;

ALTER TABLE product_line ENABLE ROW LEVEL SECURITY;

ALTER TABLE product_line FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON product_line USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON product_line TO crm_tui_hub;

ALTER TABLE product ENABLE ROW LEVEL SECURITY;

ALTER TABLE product FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON product USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON product TO crm_tui_hub;

ALTER TABLE setting ENABLE ROW LEVEL SECURITY;

ALTER TABLE setting FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON setting USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON setting TO crm_tui_hub;

ALTER TABLE pipeline ENABLE ROW LEVEL SECURITY;

ALTER TABLE pipeline FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON pipeline USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON pipeline TO crm_tui_hub;

ALTER TABLE stage ENABLE ROW LEVEL SECURITY;

ALTER TABLE stage FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON stage USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON stage TO crm_tui_hub;

ALTER TABLE customer ENABLE ROW LEVEL SECURITY;

ALTER TABLE customer FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON customer USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON customer TO crm_tui_hub;

ALTER TABLE contact_point ENABLE ROW LEVEL SECURITY;

ALTER TABLE contact_point FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON contact_point USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON contact_point TO crm_tui_hub;

ALTER TABLE contact ENABLE ROW LEVEL SECURITY;

ALTER TABLE contact FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON contact USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON contact TO crm_tui_hub;

ALTER TABLE ownership_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE ownership_event FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON ownership_event USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON ownership_event TO crm_tui_hub;

ALTER TABLE lead ENABLE ROW LEVEL SECURITY;

ALTER TABLE lead FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON lead USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON lead TO crm_tui_hub;

ALTER TABLE deal ENABLE ROW LEVEL SECURITY;

ALTER TABLE deal FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON deal USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON deal TO crm_tui_hub;

ALTER TABLE stage_visit ENABLE ROW LEVEL SECURITY;

ALTER TABLE stage_visit FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON stage_visit USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON stage_visit TO crm_tui_hub;

ALTER TABLE stage_evidence ENABLE ROW LEVEL SECURITY;

ALTER TABLE stage_evidence FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON stage_evidence USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON stage_evidence TO crm_tui_hub;

ALTER TABLE follow_up ENABLE ROW LEVEL SECURITY;

ALTER TABLE follow_up FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON follow_up USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON follow_up TO crm_tui_hub;

ALTER TABLE contact_plan ENABLE ROW LEVEL SECURITY;

ALTER TABLE contact_plan FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON contact_plan USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON contact_plan TO crm_tui_hub;

ALTER TABLE import_batch ENABLE ROW LEVEL SECURITY;

ALTER TABLE import_batch FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON import_batch USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON import_batch TO crm_tui_hub;

ALTER TABLE import_row ENABLE ROW LEVEL SECURITY;

ALTER TABLE import_row FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON import_row USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON import_row TO crm_tui_hub;

ALTER TABLE credential ENABLE ROW LEVEL SECURITY;

ALTER TABLE credential FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON credential USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON credential TO crm_tui_hub;

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE outbox FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON outbox USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO crm_tui_hub;

ALTER TABLE edit_lease ENABLE ROW LEVEL SECURITY;

ALTER TABLE edit_lease FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON edit_lease USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON edit_lease TO crm_tui_hub;

ALTER TABLE awaited ENABLE ROW LEVEL SECURITY;

ALTER TABLE awaited FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON awaited USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON awaited TO crm_tui_hub;

ALTER TABLE command_alias ENABLE ROW LEVEL SECURITY;

ALTER TABLE command_alias FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON command_alias USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON command_alias TO crm_tui_hub;

ALTER TABLE command_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE command_log FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON command_log USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON command_log TO crm_tui_hub;

ALTER TABLE device ENABLE ROW LEVEL SECURITY;

ALTER TABLE device FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON device USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON device TO crm_tui_hub;

ALTER TABLE feed ENABLE ROW LEVEL SECURITY;

ALTER TABLE feed FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON feed USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON feed TO crm_tui_hub;

ALTER TABLE flip ENABLE ROW LEVEL SECURITY;

ALTER TABLE flip FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON flip USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON flip TO crm_tui_hub;

ALTER TABLE hub_meta ENABLE ROW LEVEL SECURITY;

ALTER TABLE hub_meta FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON hub_meta USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON hub_meta TO crm_tui_hub;

ALTER TABLE identity_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE identity_key FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON identity_key USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON identity_key TO crm_tui_hub;

ALTER TABLE invite ENABLE ROW LEVEL SECURITY;

ALTER TABLE invite FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON invite USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON invite TO crm_tui_hub;

ALTER TABLE recovery ENABLE ROW LEVEL SECURITY;

ALTER TABLE recovery FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON recovery USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON recovery TO crm_tui_hub;

ALTER TABLE review ENABLE ROW LEVEL SECURITY;

ALTER TABLE review FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON review USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON review TO crm_tui_hub;

ALTER TABLE seat ENABLE ROW LEVEL SECURITY;

ALTER TABLE seat FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON seat USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON seat TO crm_tui_hub;

ALTER TABLE space_rev ENABLE ROW LEVEL SECURITY;

ALTER TABLE space_rev FORCE ROW LEVEL SECURITY;

CREATE POLICY own_organisation ON space_rev USING (org_id = nullif(current_setting('crm.org', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE ON space_rev TO crm_tui_hub;

CREATE FUNCTION note_touched() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE row_json jsonb; made text;
BEGIN
  row_json := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
  SELECT string_agg(row_json ->> name, chr(31) ORDER BY place) INTO made
    FROM unnest(TG_ARGV) WITH ORDINALITY AS names(name, place);
  INSERT INTO pg_temp.touched (tbl, key) VALUES (TG_TABLE_NAME, made) ON CONFLICT DO NOTHING;
  IF TG_TABLE_NAME = 'deal' AND TG_OP <> 'INSERT' THEN
    made := to_jsonb(OLD) ->> 'customer_id';
    IF made IS NOT NULL THEN
      INSERT INTO pg_temp.touched (tbl, key) VALUES ('customer', made) ON CONFLICT DO NOTHING;
    END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON org_unit FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON person FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON product_line FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON product FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON setting FOR EACH ROW EXECUTE FUNCTION note_touched('name');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON pipeline FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON stage FOR EACH ROW EXECUTE FUNCTION note_touched('pipeline_id', 'version', 'code');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON customer FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON contact_point FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON contact FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON ownership_event FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON lead FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON deal FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON stage_visit FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON stage_evidence FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON follow_up FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON contact_plan FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON import_batch FOR EACH ROW EXECUTE FUNCTION note_touched('id');

CREATE TRIGGER note_touched AFTER INSERT OR UPDATE OR DELETE ON import_row FOR EACH ROW EXECUTE FUNCTION note_touched('id');
