"""The catalogue of error codes: one name, two languages, and what a caller may do next."""

# ruff: noqa: RUF001 - Chinese has its own commas

from dataclasses import dataclass

from chain.errors import Retry


@dataclass(frozen=True, slots=True)
class ErrorText:
    """What is told about one code: `retry` says whether trying again can help.

    never: not with this content; same: the same bytes once more; later: the same bytes, when things
    have changed; rebuild: make and sign a new transaction.
    """

    name: str
    en: str
    zh: str
    retry: Retry = "never"


CATALOGUE: dict[int, ErrorText] = {
    # The transport.
    -32700: ErrorText("PARSE_ERROR", "this is not JSON", "内容不是有效的 JSON"),
    -32600: ErrorText(
        "INVALID_REQUEST", "this is no JSON-RPC 2.0 request", "不是有效的 JSON-RPC 2.0 请求"
    ),
    -32601: ErrorText("METHOD_NOT_FOUND", "there is no such method", "没有这个方法"),
    -32602: ErrorText("INVALID_PARAMS", "a parameter is wrong", "参数有误"),
    -32603: ErrorText(
        "INTERNAL_ERROR",
        "the node failed; the incident is in its log",
        "节点内部出错，详情见节点日志",
        "later",
    ),
    -32001: ErrorText(
        "NOT_READY", "the node is starting or stopping", "节点正在启动或停止", "later"
    ),
    -32002: ErrorText("RATE_LIMITED", "too many requests", "请求过于频繁，请稍后再试", "later"),
    -32003: ErrorText("UNAUTHENTICATED", "this needs a token", "需要访问令牌"),
    -32004: ErrorText("FORBIDDEN", "this needs another token or place", "没有权限"),
    -32005: ErrorText("RESPONSE_TOO_LARGE", "the answer is too large", "结果过大，请缩小查询范围"),
    -32006: ErrorText("BATCH_TOO_LARGE", "too many calls in one batch", "一次批量请求中的调用过多"),
    -32007: ErrorText("METHOD_DISABLED", "this method is not available here", "该方法在此不可用"),
    -32009: ErrorText("HISTORY_PRUNED", "older state is not kept", "该高度的历史状态已不再保留"),
    # Transactions that no block may contain.
    1000: ErrorText("REFUSED", "the request was refused", "请求被拒绝"),
    1001: ErrorText("TX_MALFORMED", "the bytes are not a transaction", "交易格式有误"),
    1002: ErrorText("BAD_SIGNATURE", "a signature does not fit", "签名无效"),
    1003: ErrorText("WRONG_CHAIN", "signed for another chain", "交易是为另一条链签名的"),
    1004: ErrorText("NONCE_USED", "this nonce was used before", "该序号已被使用", "rebuild"),
    1005: ErrorText("NONCE_STALE", "this nonce is below the key's window", "序号过旧", "rebuild"),
    1006: ErrorText(
        "EXPIRED", "the validity is over, or too long", "交易有效期已过或过长", "rebuild"
    ),
    1007: ErrorText(
        "DUPLICATE_REF",
        "this reference was used for another transaction",
        "该引用号已用于另一笔交易",
    ),
    1008: ErrorText(
        "SPONSOR_REQUIRED", "a sponsor has to sign as well", "需要商家代为联署", "rebuild"
    ),
    1009: ErrorText(
        "SPONSOR_QUOTA", "today's quota is used up", "今日额度已用完，请明天再试", "later"
    ),
    1010: ErrorText("MEMPOOL_FULL", "no room at the moment", "节点繁忙，请稍后再试", "later"),
    1011: ErrorText("KEY_SCOPE", "this key may not do this", "该密钥无权执行此操作"),
    1012: ErrorText("TOO_LARGE", "the transaction is too large", "交易过大"),
    1013: ErrorText("NONCE_TOO_FAR", "this nonce is too far ahead", "序号超前过多", "later"),
    1014: ErrorText("BAD_GENESIS", "the genesis file describes no chain", "创世文件无效"),
    1020: ErrorText("KEY_FILE", "a key can not be used", "密钥无法使用"),
    # Money.
    2001: ErrorText("INSUFFICIENT_FUNDS", "not enough money", "余额不足", "rebuild"),
    2002: ErrorText("CURRENCY", "the wrong currency", "币种不符"),
    2003: ErrorText("NOT_ISSUER", "only the issuer may do this", "只有发行方可以执行此操作"),
    2004: ErrorText("LIMIT", "an amount beyond a limit", "金额超出限额", "rebuild"),
    2005: ErrorText("TRANSFER_NOT_ALLOWED", "this money may not be handed on", "该资产不允许转让"),
    # Contracts' refusals.
    3000: ErrorText("CONTRACT_REFUSED", "the contract refused", "合约拒绝了此操作", "rebuild"),
    3001: ErrorText("SLOT_TAKEN", "this time is taken", "该时段已被预约", "rebuild"),
    3002: ErrorText("OUTSIDE_HOURS", "the shop is not open then", "不在营业时间内", "rebuild"),
    3003: ErrorText("LEAD_TIME", "it is too early for this", "时间未到，暂不能操作", "later"),
    3004: ErrorText(
        "WRONG_STATE", "this does not fit the present state", "当前状态不允许此操作", "rebuild"
    ),
    3005: ErrorText("CANCEL_WINDOW", "it is too late for this", "已超过允许的时间", "never"),
    3006: ErrorText(
        "POLICY_CHANGED", "the rules have changed", "规则已变更，请重新确认", "rebuild"
    ),
    3007: ErrorText("PRICE_CHANGED", "the price has changed", "价格已变更，请重新确认", "rebuild"),
    3101: ErrorText(
        "NOT_CHECKED_IN", "the customer has not checked in", "顾客尚未到店登记", "later"
    ),
    3102: ErrorText("STAFF_UNKNOWN", "no such member of staff", "没有这名员工"),
    3103: ErrorText("STEP_ORDER", "the steps are out of order", "服务步骤顺序有误", "rebuild"),
    3104: ErrorText(
        "EXTRA_NOT_APPROVED",
        "the customer has not approved this extra work",
        "顾客尚未同意增项",
        "later",
    ),
    3120: ErrorText("STAFF", "this can not be taken for a member of staff", "员工信息有误"),
    3121: ErrorText(
        "WRONG_PIN", "this name and PIN do not belong together", "姓名与 PIN 码不匹配", "never"
    ),
    3122: ErrorText(
        "LOCKED_OUT", "too many wrong PINs; wait a while", "PIN 码错误次数过多，请稍后再试", "later"
    ),
    3123: ErrorText("NO_SESSION", "this session is over; log in again", "登录已失效，请重新登录"),
    3124: ErrorText(
        "NOT_YOURS", "the shop does not trust this person with it", "您没有此项操作的权限"
    ),
    3125: ErrorText("NO_STAFF", "this node is no shop's", "此节点不属于任何门店"),
    3201: ErrorText("COOLING_OFF_OVER", "the cooling-off time is over", "冷静期已过"),
    3202: ErrorText("PREPAID_FROZEN", "this prepaid card is frozen", "该预付卡已冻结", "later"),
    3203: ErrorText(
        "COVER_TOO_LOW", "the money behind the cards is too low", "预付款保障不足", "later"
    ),
    3301: ErrorText("POINTS_SHORT", "not enough points", "积分不足", "rebuild"),
    3302: ErrorText("VOUCHER_USED", "this voucher was used before", "该优惠券已使用"),
    3303: ErrorText("VOUCHER_SCOPE", "this voucher is not for this", "该优惠券不适用"),
    3401: ErrorText("NOT_SETTLED", "the service is not settled yet", "服务尚未结算", "later"),
    3402: ErrorText("ALREADY_REVIEWED", "there is a review already", "已评价过"),
    3403: ErrorText("REVIEW_WINDOW", "the time for a review is over", "评价期限已过"),
    3501: ErrorText("NO_CONSENT", "the owner has not agreed", "未获得本人同意"),
    3502: ErrorText("PURPOSE", "the owner has not agreed to this purpose", "超出授权用途"),
    3503: ErrorText("BLOB_GONE", "this record was erased", "该内容已删除"),
    3504: ErrorText(
        "BLOB_REFUSED", "these bytes or keys are not those on record", "内容或密钥与登记不符"
    ),
    3505: ErrorText("VAULT_FULL", "there is no room for this", "存储空间不足", "later"),
    3601: ErrorText(
        "SHOP_FROZEN", "the shop does not take business now", "该门店目前不接受业务", "later"
    ),
    3602: ErrorText("ROLE", "this account may not do this", "该账户无权执行此操作"),
    # The chain's own affairs.
    4001: ErrorText(
        "QUORUM_RISK", "too few validators would be left", "验证节点将不足法定数量", "later"
    ),
    4002: ErrorText(
        "LAST_VALIDATOR", "the last validator can not leave", "最后一个验证节点不能退出"
    ),
    4003: ErrorText(
        "INVALID_BLOCK", "a block does not follow from its parent", "区块与其父区块不符"
    ),
    4004: ErrorText(
        "BAD_RECOVERY_PLAN", "the recovery plan does not fit this chain", "恢复方案与本链不符"
    ),
    4005: ErrorText(
        "CANDIDATE_NOT_READY",
        "the candidate has not proved that it runs",
        "候选验证节点尚未证明其正在运行",
        "rebuild",
    ),
    4006: ErrorText(
        "UNKNOWN_FEATURE",
        "the chain follows a rule that this program does not know",
        "本链启用了此程序不认识的规则，请升级程序",
    ),
    4007: ErrorText("JOIN_CODE", "this is no join code", "加入码有误"),
    4008: ErrorText(
        "JOIN_CODE_UNKNOWN",
        "this gateway knows no such join code; ask who made it",
        "此网关没有该加入码，请向发码人核实",
    ),
    4009: ErrorText(
        "JOIN_CODE_OVER",
        "the time of this join code is over; ask for a new one",
        "加入码已过期，请索取新码",
    ),
    4010: ErrorText(
        "JOIN_CODE_USED",
        "another account used this join code; tell who made it at once",
        "加入码已被其他账户使用，请立即告知发码人",
    ),
    4011: ErrorText(
        "JOIN_CODE_REVOKED",
        "this join code was taken back; ask for a new one",
        "加入码已被收回，请索取新码",
    ),
    4012: ErrorText("NO_ADMISSIONS", "this node lets no shops in", "此节点不办理门店加入"),
    4013: ErrorText("ADMISSION", "the chain did not admit the shop", "本链未能接纳该门店", "later"),
    4020: ErrorText(
        "NOT_RENEWABLE",
        "this can not be signed again: it is not proven to be in no block",
        "无法重新签署：尚未证明它不在任何区块中",
    ),
    # The contract machine.
    5001: ErrorText("VM_STEPS", "the gas was used up; allow more", "计算量超出上限", "rebuild"),
    5002: ErrorText("VM_TYPE", "the contract broke a rule of the machine", "合约违反了虚拟机规则"),
    5003: ErrorText(
        "UPGRADE_REFUSED",
        "the new code can not take over from the old",
        "新规则无法接替原有规则",
    ),
    5099: ErrorText(
        "INTERNAL", "the nodes agree that they can not run this", "各节点一致认定无法执行"
    ),
    # What is asked for, and the disk.
    6001: ErrorText("NOT_FOUND", "this node knows nothing of it", "未找到"),
    7001: ErrorText("STORE", "the store can not be opened or written", "存储无法打开或写入"),
    7002: ErrorText("CORRUPT_STORE", "the store is damaged", "存储已损坏"),
    7003: ErrorText("DISK_FULL", "the disk is full", "磁盘已满"),
    7004: ErrorText("READ_ONLY", "the data folder can not be written", "数据文件夹不可写"),
    7005: ErrorText("STORE_IN_USE", "another node uses the store", "存储正被另一个节点使用"),
    7006: ErrorText("BAD_SNAPSHOT", "a snapshot that can not be used", "快照无法使用"),
    7007: ErrorText("BACKUP", "a copy that can not be made or used", "备份无法创建或使用"),
    7008: ErrorText("TABLE", "a file that is not a table of these columns", "文件不是所需列的表格"),
    7009: ErrorText("OLDER_FORMAT", "the data has an earlier format", "数据为较早的格式"),
    7010: ErrorText("NEWER_FORMAT", "a later program wrote the data", "数据由更新的程序写入"),
    7011: ErrorText("OTHER_RULES", "a chain by rules of before", "数据遵循早期版本的规则"),
    7020: ErrorText(
        "FILE_HELD", "another program holds a file of the node", "节点的文件被其他程序占用", "later"
    ),
}

# What a contract's failure inside the machine is called: VM_ and the trap's name.
TRAP_TEXTS: dict[str, ErrorText] = {
    kind: ErrorText(f"VM_{kind}", en, zh)
    for kind, en, zh in (
        ("OVERFLOW", "a number left its range", "数值超出范围"),
        ("DIV", "a division by zero", "除数为零"),
        ("RANGE", "an index outside of the value", "索引超出范围"),
        (
            "MISSING",
            "what the contract looks up is not there; check the ids in the arguments",
            "合约查找的内容不存在，请检查参数中的编号",
        ),
        ("LENGTH", "a value longer than allowed", "内容过长"),
        ("LOOP", "a loop beyond its bound", "循环超出次数上限"),
        ("AMOUNT", "an amount that can not be paid", "金额无法支付"),
        (
            "POT",
            "a pot that is missing, known or not allowed to do this",
            "托管款不存在或不允许此操作",
        ),
        ("ABI", "arguments that are not what the function takes", "参数与合约函数不符"),
        ("ASSET", "an asset that the contract does not use", "合约不使用该资产"),
        (
            "LINK",
            "what the rule looks up elsewhere is not there: for a booking, the shop or its service",
            "规则在别处查找的内容不存在：如为预约，请检查门店或其服务项目",
        ),
        ("EVENT", "more events than allowed", "事件过多"),
        ("TIMER", "a timer that can not be set", "无法设置定时任务"),
        ("UNUSED_PAYMENT", "money was paid and not used", "付款未被使用"),
    )
}
