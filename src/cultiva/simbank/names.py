"""Invented names, addresses and sayings for the sample bank; any likeness to real persons is chance."""

from __future__ import annotations

SURNAMES = tuple("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎")
GIVEN = tuple("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国志红梅文斌宇浩凯欣怡子轩雨涵晨阳思远佳慧俊博雅婷"
              "海燕春生金凤德福长青永康瑞祥")  # fmt: skip
LIKE_SOUNDING = {"伟": "玮", "芳": "方", "丽": "莉", "静": "婧", "敏": "旻", "超": "朝", "杰": "洁", "涛": "韬"}
"""How a name is misheard when a customer registers again."""
FIRM_PLACES = ("东湖", "南山镇", "西河", "北岭", "新桥", "古渡", "临江", "云台", "青石", "长堤")
FIRM_NAMES = ("恒远", "兴达", "金穗", "瑞丰", "嘉禾", "鸿泰", "安信", "百顺", "同创", "永盛", "华茂", "天成")
FIRM_TRADES = {"manufacturing": "制造", "retail_trade": "商贸", "agriculture": "农业", "services": "服务"}
STREETS = ("人民路", "解放街", "建设路", "花园巷", "中山路", "河滨街", "学府路", "车站路")
BRANCH_WORDS = ("支行", "分理处")
SHOP_WORDS = ("便利店", "餐馆", "加油站", "服装店", "药房", "五金店", "书店", "旅行社")
"""In the order of the merchants' categories."""
PARTNER_WORDS = ("汽车服务", "通信", "超市", "影院", "门诊", "农资")
"""In the order of the partners' categories."""
SAYINGS = (
    "办事很快，态度好",
    "排队太久了",
    "手机银行经常登录不上",
    "客户经理很专业",
    "希望利率再高一些",
    "手续费说不清楚",
    "推荐的产品适合我",
    "电话一直打不通",
)
