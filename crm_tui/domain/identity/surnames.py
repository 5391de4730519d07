"""How surnames are read; the dictionary's first reading is another for many of them."""

from __future__ import annotations

_SINGLE = """
单=shàn 曾=zēng 仇=qiú 解=xiè 区=ōu 查=zhā 任=rén 华=huà 盖=gě 朴=piáo 翟=zhái
覃=qín 缪=miào 乐=yuè 折=shé 燕=yān 那=nā 哈=hǎ 句=gōu 相=xiàng 卜=bǔ
员=yùn 召=shào 繁=pó 葛=gě 过=guō 占=zhān 要=yāo 都=dū 撒=sǎ 观=guàn 角=jué
能=nài 佴=nài 适=kuò 乜=niè 於=yū 炅=guì 隗=wěi 郇=xún 长=cháng
阚=kàn 薄=bó 干=gān 舍=shè 肖=xiāo 單=shàn 區=ōu 華=huà 蓋=gě
繆=miào 樂=yuè 員=yùn 觀=guàn 過=guō 長=cháng
"""

_COMPOUND = """
尉迟=yù,chí 万俟=mò,qí 令狐=líng,hú 欧阳=ōu,yáng 上官=shàng,guān 司徒=sī,tú
夏侯=xià,hóu 公冶=gōng,yě 淳于=chún,yú 单于=chán,yú 申屠=shēn,tú 公孙=gōng,sūn
钟离=zhōng,lí 慕容=mù,róng 鲜于=xiān,yú 东方=dōng,fāng 西门=xī,mén 呼延=hū,yán
司马=sī,mǎ 诸葛=zhū,gě 闻人=wén,rén 赫连=hè,lián 皇甫=huáng,fǔ 澹台=tán,tái
公羊=gōng,yáng 濮阳=pú,yáng 太叔=tài,shū 轩辕=xuān,yuán 长孙=zhǎng,sūn 宇文=yǔ,wén
鲜虞=xiān,yú 闾丘=lǘ,qiū 司空=sī,kōng 亓官=qí,guān 司寇=sī,kòu 子车=zǐ,jū
颛孙=zhuān,sūn 端木=duān,mù 巫马=wū,mǎ 公西=gōng,xī 漆雕=qī,diāo 乐正=yuè,zhèng
壤驷=rǎng,sì 公良=gōng,liáng 拓跋=tuò,bá 夹谷=jiá,gǔ 宰父=zǎi,fǔ 谷梁=gǔ,liáng
段干=duàn,gān 百里=bǎi,lǐ 东郭=dōng,guō 南门=nán,mén 羊舌=yáng,shé 微生=wēi,shēng
梁丘=liáng,qiū 左丘=zuǒ,qiū 东门=dōng,mén 南宫=nán,gōng 第五=dì,wǔ 完颜=wán,yán
独孤=dú,gū 叶赫=yè,hè 纳兰=nà,lán 贺兰=hè,lán 耶律=yē,lǜ 哥舒=gē,shū 屈突=qū,tū
达奚=dá,xī 豆卢=dòu,lú 歐陽=ōu,yáng 尉遲=yù,chí 萬俟=mò,qí 單于=chán,yú 鮮于=xiān,yú
鍾離=zhōng,lí 東方=dōng,fāng 西門=xī,mén 諸葛=zhū,gě 長孫=zhǎng,sūn 司馬=sī,mǎ
公孫=gōng,sūn 軒轅=xuān,yuán 澹臺=tán,tái 南宮=nán,gōng
"""

# Only surnames whose reading is not the first of the dictionary.
SURNAME_READINGS: dict[str, str] = dict(entry.split("=", 1) for entry in _SINGLE.split())

# Two characters that are one surname, and how each is read.
COMPOUND_SURNAMES: dict[str, list[str]] = {entry[:2]: entry[3:].split(",") for entry in _COMPOUND.split()}
