"""Real districts in which a made-up bank has its branches: a short list typed from public knowledge.

Codes are those of GB/T 2260, places the seat of the district to a hundredth of a degree or so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.simbank.arrays import Ints


@dataclass(frozen=True)
class District:
    """One district of a city, or one county."""

    code: int
    """Six digits: province, city, district."""
    name: str
    longitude: float
    latitude: float

    @property
    def rural(self) -> bool:
        """Whether it is a county or a county-level city rather than a district of a city."""
        return not self.name.endswith("区")


DISTRICTS: tuple[District, ...] = (
    # Sichuan
    District(510104, "锦江区", 104.08, 30.66),
    District(510105, "青羊区", 104.06, 30.67),
    District(510106, "金牛区", 104.05, 30.69),
    District(510107, "武侯区", 104.04, 30.64),
    District(510108, "成华区", 104.10, 30.66),
    District(510703, "涪城区", 104.76, 31.46),
    District(510704, "游仙区", 104.77, 31.47),
    District(510603, "旌阳区", 104.39, 31.14),
    District(511102, "市中区", 103.76, 29.56),
    District(510121, "金堂县", 104.41, 30.86),
    District(510129, "大邑县", 103.52, 30.59),
    District(510131, "蒲江县", 103.51, 30.20),
    District(510181, "都江堰市", 103.65, 30.99),
    District(510722, "三台县", 105.09, 31.10),
    District(510723, "盐亭县", 105.39, 31.21),
    District(510781, "江油市", 104.74, 31.78),
    District(510623, "中江县", 104.68, 31.03),
    District(511123, "犍为县", 103.95, 29.21),
    # Chongqing
    District(500103, "渝中区", 106.57, 29.55),
    District(500105, "江北区", 106.57, 29.61),
    District(500106, "沙坪坝区", 106.46, 29.54),
    District(500107, "九龙坡区", 106.51, 29.50),
    District(500233, "忠县", 108.04, 30.30),
    District(500235, "云阳县", 108.70, 30.93),
    District(500236, "奉节县", 109.46, 31.02),
    # Hubei
    District(420102, "江岸区", 114.30, 30.60),
    District(420103, "江汉区", 114.27, 30.60),
    District(420106, "武昌区", 114.32, 30.55),
    District(420111, "洪山区", 114.34, 30.50),
    District(420502, "西陵区", 111.29, 30.71),
    District(420525, "远安县", 111.64, 31.06),
    District(420526, "兴山县", 110.75, 31.35),
    District(420625, "谷城县", 111.65, 32.26),
    District(421022, "公安县", 112.23, 30.06),
    # Hunan
    District(430102, "芙蓉区", 113.03, 28.19),
    District(430103, "天心区", 112.99, 28.11),
    District(430104, "岳麓区", 112.93, 28.24),
    District(430181, "浏阳市", 113.64, 28.16),
    District(430381, "湘乡市", 112.53, 27.73),
    District(430623, "华容县", 112.55, 29.53),
    # Jiangsu
    District(320102, "玄武区", 118.80, 32.05),
    District(320105, "建邺区", 118.73, 32.00),
    District(320106, "鼓楼区", 118.77, 32.07),
    District(320508, "姑苏区", 120.62, 31.31),
    District(320481, "溧阳市", 119.48, 31.42),
    District(320581, "常熟市", 120.75, 31.65),
    District(320623, "如东县", 121.19, 32.31),
    District(320722, "东海县", 118.77, 34.54),
    # Zhejiang
    District(330102, "上城区", 120.17, 30.25),
    District(330106, "西湖区", 120.13, 30.26),
    District(330203, "海曙区", 121.55, 29.87),
    District(330127, "淳安县", 119.04, 29.61),
    District(330226, "宁海县", 121.43, 29.29),
    District(330523, "安吉县", 119.68, 30.64),
    # Guangdong
    District(440103, "荔湾区", 113.24, 23.13),
    District(440104, "越秀区", 113.27, 23.13),
    District(440106, "天河区", 113.36, 23.12),
    District(440305, "南山区", 113.93, 22.53),
    District(440604, "禅城区", 113.12, 23.01),
    District(441224, "怀集县", 112.18, 23.91),
    District(441622, "龙川县", 115.26, 24.10),
    District(445222, "揭西县", 115.84, 23.43),
)
RURAL = tuple(place for place, district in enumerate(DISTRICTS) if district.rural)
"""Positions of counties, in order."""
URBAN = tuple(place for place, district in enumerate(DISTRICTS) if not district.rural)
"""Positions of districts of cities, in order."""
BRANCHES_PER_DISTRICT, BRANCHES_PER_COUNTY = 3, 2
"""Branches that share a place before the next one follows."""


def branch_districts(branches: int, rural: int) -> Ints:
    """Position in DISTRICTS of every branch; the first `rural` branches are in counties.

    Neighbouring branches are in neighbouring places, so that a small bank belongs to one province.
    """
    number = np.arange(branches)
    county = np.array(RURAL)[number // BRANCHES_PER_COUNTY % len(RURAL)]
    district = np.array(URBAN)[np.maximum(number - rural, 0) // BRANCHES_PER_DISTRICT % len(URBAN)]
    return np.where(number < rural, county, district)
