"""The fields an import can fill, per kind, with the header names people give them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Literal

FieldType = Literal[
    "text", "phone", "phones", "day", "money", "integer", "level", "tags", "choice", "resident_id", "uscc"
]
EXTRA = "extra."  # a field ``extra.<name>`` has no column of its own and goes into the record's text map


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field: its ``key``, whether a record is nothing without it, its type, and headers that mean it."""

    key: str
    type: FieldType = "text"
    required: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def joins(self) -> bool:
        """Whether several columns may fill this one field."""
        return self.type in ("phones", "tags") or self.key in ("note", "address")


def _field(key: str, type_: FieldType, aliases: str, *, need: bool = False) -> FieldInfo:
    return FieldInfo(key, type_, need, tuple(alias.strip() for alias in aliases.split(",") if alias))


_PHONES = (
    "手机,电话,手机号,手机号码,联系电话,联系方式,电话号码,移动电话,固定电话,座机,固话,备用电话,"
    "phone,phones,mobile,tel,telephone,cell,cellphone,phone number,contact phone number,mobile phone"
)
_EXTERNAL = "外部编号,编号,序号,id,external id,uid,uuid"
_OWNER = (
    "负责人,销售,销售员,销售顾问,业务员,跟进人,归属人,所属销售,导购,"
    "owner,sales agent,sales rep,salesperson,seller,agent,sr id"
)
_SOURCE = "来源,客户来源,线索来源,渠道,获客渠道,source,origin,channel,lead source"
_BRANCH = "门店,店铺,分店,所属门店,网点,branch,shop,outlet"
_CREATED = (
    "创建日期,创建时间,录入日期,录入时间,登记日期,建档日期,"
    "created,created on,created at,create date,first contact date"
)
_NOTE = "备注,说明,备注说明,note,notes,remark,remarks,comment,comments"

FIELDS: dict[str, tuple[FieldInfo, ...]] = {
    "people": (
        _field("external_id", "text", _EXTERNAL),
        _field("number", "text", "工号,员工编号,员工号,number,employee number,staff number,employee id"),
        _field(
            "name", "text", "姓名,员工,员工姓名,名字,name,full name,employee,sales agent,agent", need=True
        ),
        _field("role", "choice", "角色,岗位,职位,职务,role,position,job title,title"),
        _field("region", "text", "区域,大区,地区,region,regional office,area,territory"),
        _field("branch", "text", _BRANCH),
        _field("team", "text", "班组,小组,团队,team,group"),
        _field("manager", "text", "上级,主管,经理,直属上级,汇报对象,manager,supervisor,reports to,boss"),
        _field("phone", "phone", _PHONES),
        _field("status", "choice", "状态,在职状态,status"),
        _field("hired_on", "day", "入职日期,入职时间,hired on,hire date,joined"),
        _field("left_on", "day", "离职日期,离职时间,left on,leave date,termination date"),
    ),
    "products": (
        _field("external_id", "text", _EXTERNAL),
        _field("code", "text", "产品编码,商品编码,货号,型号,code,sku,product code,item number"),
        _field("name", "text", "产品,商品,产品名称,商品名称,名称,品名,name,product,product name", need=True),
        _field("line", "text", "产品线,品类,系列,类别,分类,line,product line,series,category"),
        _field("unit_price", "money", "单价,价格,售价,标价,unit price,price,sales price,list price"),
        _field("active", "choice", "启用,在售,上架,active,enabled"),
    ),
    "customers": (
        _field("external_id", "text", f"{_EXTERNAL},客户编号,customer id,account id"),
        _field(
            "name",
            "text",
            "姓名,客户,客户姓名,客户名称,名称,名字,公司,公司名称,name,customer,customer name,"
            "account,account name,company,full name",
            need=True,
        ),
        _field("kind", "choice", "客户类型,类型,kind,customer type,type"),
        _field("phones", "phones", _PHONES),
        _field("wechat", "text", "微信,微信号,wechat,wechat id"),
        _field("email", "text", "邮箱,电子邮箱,电子邮件,email,e-mail,mail"),
        _field("level", "level", "等级,级别,客户等级,客户级别,level,grade,rating"),
        _field("source", "text", _SOURCE),
        _field("tags", "tags", "标签,tags,tag,labels"),
        _field("address", "text", "地址,住址,联系地址,详细地址,address,office location,location,street"),
        _field("birthday", "day", "生日,出生日期,birthday,birth date,date of birth"),
        _field("resident_id", "resident_id", "身份证,身份证号,身份证号码,证件号码,resident id,id card"),
        _field("uscc", "uscc", "统一社会信用代码,社会信用代码,信用代码,税号,uscc,credit code,tax number"),
        _field("owner", "text", _OWNER),
        _field("branch", "text", _BRANCH),
        _field("note", "text", _NOTE),
        _field("created_on", "day", _CREATED),
        _field("industry", "text", "行业,所属行业,industry,sector"),
        _field("parent", "text", "上级公司,母公司,所属公司,parent,parent company,subsidiary of"),
        _field("employees", "integer", "员工数,人数,employees,headcount,number of employees"),
        _field("revenue", "text", "营收,营业额,年营业额,revenue,annual revenue,turnover"),
        _field("founded_year", "integer", "成立年份,成立时间,founded year,year established,founded"),
    ),
    "deals": (
        _field("external_id", "text", f"{_EXTERNAL},商机编号,opportunity id,deal id,mql id"),
        _field(
            "customer",
            "text",
            "客户,客户姓名,客户名称,姓名,公司,customer,customer name,account,company",
        ),
        _field("lead", "text", "线索,线索编号,lead,lead id"),
        _field(
            "title",
            "text",
            "商机,商机名称,项目,标题,title,deal,deal name,opportunity,subject",
        ),
        _field("pipeline", "choice", "销售流程,流程,阶段组,pipeline,process"),
        _field("stage", "choice", "阶段,商机阶段,销售阶段,stage,deal stage,sales stage", need=True),
        _field("owner", "text", _OWNER),
        _field("collaborator", "text", "协作人,协同人,collaborator,sdr id"),
        _field("product", "text", "产品,商品,产品名称,意向产品,product,product name"),
        _field("line", "text", "产品线,品类,系列,line,product line,series"),
        _field("amount", "money", "金额,商机金额,预计金额,成交金额,合同金额,amount,close value,value"),
        _field("engaged_on", "day", "接触日期,首次接触,engaged on,engage date,engagement date"),
        _field("created_on", "day", _CREATED),
        _field(
            "expected_close_on",
            "day",
            "预计成交日期,预计成交,预计签约日期,expected close date",
        ),
        _field("closed_on", "day", "成交日期,关闭日期,签约日期,closed on,close date,won date,closed date"),
        _field("lost_reason", "text", "输单原因,流失原因,丢单原因,lost reason,loss reason"),
        _field("source", "text", _SOURCE),
        _field("phones", "phones", _PHONES),
        _field("note", "text", _NOTE),
    ),
    "leads": (
        _field("external_id", "text", f"{_EXTERNAL},线索编号,lead id,mql id"),
        _field("name", "text", "姓名,线索,线索名称,客户,客户姓名,名字,名称,name,lead,lead name,contact"),
        _field("phone", "phone", _PHONES),
        _field("source", "text", _SOURCE),
        _field("owner", "text", _OWNER),
        _field("branch", "text", _BRANCH),
        _field("status", "choice", "状态,线索状态,status,lead status"),
        _field("created_on", "day", _CREATED),
        _field("converted_on", "day", "转化日期,成交日期,converted on,conversion date,won date"),
        _field("customer", "text", "客户编号,转化客户,customer,customer id,seller id"),
        _field("note", "text", _NOTE),
    ),
}
KINDS = tuple(FIELDS)

_ASIDE = re.compile(r"[(（\[【].*?[)）\]】]")
_BETWEEN = re.compile(r"[\s_\-./:：*＊#]+")


def folded(word: str) -> str:
    """Return a header as it is compared: no case, width, spaces, underscores, stars or remark in brackets."""
    plain = unicodedata.normalize("NFKC", word).casefold()
    return _BETWEEN.sub("", _ASIDE.sub("", plain)) or _BETWEEN.sub("", plain)


def field_info(kind: str, key: str) -> FieldInfo | None:
    """Return the declared field of a kind, a text field for ``extra.<name>``, or None."""
    if key.startswith(EXTRA) and len(key) > len(EXTRA):
        return FieldInfo(key)
    return next((info for info in FIELDS[kind] if info.key == key), None)


@cache
def alias_index(kind: str) -> dict[str, str]:
    """Return folded header -> field key of one kind; where two fields claim a header the first has it."""
    index: dict[str, str] = {}
    for info in FIELDS[kind]:
        for alias in (info.key, *info.aliases):
            index.setdefault(folded(alias), info.key)
    return index


def is_known_word(cell: str) -> bool:
    """Tell whether any kind knows ``cell`` as a header."""
    word = folded(cell)
    return any(word in alias_index(kind) for kind in KINDS)
