"""Where problems are set: places, the things there, what is measured of them and written down.

    context = rng.choice(CONTEXTS)
    context.quantities[0].noun           # "weight"

A vocabulary of our own. Each line of the table below is one context:
    place | who keeps the books | thing, things | quantities | kind: values | label | done
"""

from dataclasses import dataclass

NAMES = tuple(
    """
    Ada Aki Alba Amir Anja Anton Aisha Bela Boris Bruno Carla Chen Clara Dara David Dina Edda
    Elif Emil Enzo Esra Fanny Farid Felix Fiona Gita Greta Hana Hugo Ida Igor Ines Iris Ivan
    Jana Jonas Jorge Juno Kaan Karim Kira Lars Lea Lena Leo Liam Lina Luca Maja Malik Mara Marco
    Mila Mina Nadia Nico Nils Nora Olga Omar Oscar Otto Paula Pavel Petra Priya Quinn Rana
    Rafael Rosa Ruben Samir Sara Selma Simon Sofia Stella Sven Tamar Tariq Tess Theo Tina Tomas
    Uma Ursula Vera Viktor Wanda Willem Yara Yusuf Zara Zeno
    """.split()
)
"""First names."""

WORDS = tuple(
    """
    acorn amber anchor apple arrow autumn bamboo banner barrel basket beacon bellow berry birch
    blanket blossom bottle bramble branch breeze brick bridge bronze bucket butter button
    cabbage cabin candle canvas canyon carpet carrot castle cedar cellar chalk cherry chimney
    circle cliff clover cobble coffee comet copper coral corner cotton crater cricket crystal
    curtain daisy dawn desert dinner donkey dragon drawer dream drift drum eagle echo ember
    engine envelope fabric falcon feather fence ferry fiddle field finger flame flint flute
    forest fossil fountain garden garlic gate ginger glacier glove goblet granite grape gravel
    hammer harbor harvest hazel helmet hollow honey hood horizon hornet island ivory ivy jacket
    jasmine jelly juniper kettle kitchen kitten ladder lagoon lantern lattice lemon lentil level
    lilac linen lizard locket lumber magnet mango maple marble meadow mellow mirror mitten moss
    motor mustard needle nettle noodle oasis olive onion orchard otter oven oyster paddle palace
    paper pebble pepper petal piano pillow pocket pollen poppy potato prairie puddle quarry
    quartz quilt rabbit radish raven ribbon ripple river robin rocket saddle saffron sandal
    sapling scarf seed shadow shell signal silver sleeve spruce squirrel stable statue stone
    summer sunset swallow table tangle teapot temple thimble thistle thunder ticket timber
    tomato tower trellis trumpet tunnel turtle valley velvet violet vessel walnut water wheel
    whistle willow window winter wonder yellow zebra
    """.split()
)
"""Plain words, for lists and lines of text."""

_TABLE = """
harbour|the harbour master|crate,crates|weight,weights:4-320 kilograms;volume,volumes:1-60 cubic metres|destination:Oslo,Cadiz,Bergen,Lagos,Osaka|owner|unloaded
library|the librarian|loan,loans|duration,durations:1-60 days;fine,fines:0-45 cents|section:history,poetry,travel,science|borrower|registered
bakery|the baker|loaf,loaves|weight,weights:200-950 grams;price,prices:2-19 coins|flour:rye,wheat,spelt,oat|baker|baked
weather station|the observer|reading,readings|temperature,temperatures:0-38 degrees;rainfall,rainfalls:0-55 millimetres|sky:clear,cloudy,foggy,stormy|observer|taken
railway|the dispatcher|train,trains|delay,delays:0-75 minutes;length,lengths:3-16 cars|line:north,south,coastal,airport|driver|dispatched
hospital|the head nurse|patient,patients|waiting time,waiting times:2-140 minutes;pulse,pulses:48-130 beats|ward:eye,heart,bone,skin|doctor|admitted
orchard|the grower|tree,trees|crop,crops:5-180 kilograms;age,ages:1-70 years|fruit:apple,pear,plum,quince|picker|harvested
theatre|the usher|booking,bookings|seat count,seat counts:1-12 seats;price,prices:9-85 euros|play:Hamlet,Faust,Medea,Salome|guest|made
workshop|the foreman|repair,repairs|cost,costs:12-480 euros;duration,durations:1-14 hours|device:radio,clock,bicycle,kettle|mechanic|finished
quarry|the overseer|block,blocks|weight,weights:30-900 kilograms;length,lengths:20-300 centimetres|stone:granite,slate,marble,basalt|cutter|cut
post office|the clerk|parcel,parcels|weight,weights:1-31 kilograms;postage,postages:2-64 coins|country:Peru,Chad,Iran,Cuba,Fiji|sender|accepted
vineyard|the winemaker|barrel,barrels|volume,volumes:50-600 litres;age,ages:1-24 years|grape:merlot,syrah,riesling,malbec|taster|filled
school|the teacher|exam,exams|score,scores:0-100 points;duration,durations:20-180 minutes|subject:maths,music,latin,biology|pupil|graded
marina|the warden|boat,boats|length,lengths:4-32 metres;fee,fees:10-240 coins|berth:east,west,inner,outer|skipper|moored
kitchen|the cook|dish,dishes|calorie count,calorie counts:80-990 calories;price,prices:4-38 euros|course:starter,main,dessert,snack|cook|served
observatory|the astronomer|star,stars|brightness,brightnesses:1-90 magnitudes;distance,distances:4-800 light years|constellation:Lyra,Orion,Draco,Vela|finder|observed
museum|the curator|painting,paintings|width,widths:15-260 centimetres;value,values:3-900 thousands|style:cubist,gothic,baroque,modern|painter|hung
farm|the farmer|cow,cows|milk yield,milk yields:4-38 litres;age,ages:1-15 years|breed:jersey,angus,devon,simmental|milker|milked
airline|the agent|flight,flights|fare,fares:29-640 euros;distance,distances:120-4800 miles|city:Rome,Lima,Cairo,Delhi,Kyiv|pilot|flown
gym|the trainer|session,sessions|duration,durations:10-120 minutes;heart rate,heart rates:70-185 beats|sport:rowing,boxing,yoga,cycling|member|logged
mine|the shift leader|cart,carts|load,loads:40-700 kilograms;depth,depths:10-450 metres|ore:copper,zinc,iron,nickel|miner|raised
newspaper|the editor|article,articles|word count,word counts:90-1800 words;view count,view counts:3-950 views|desk:sports,politics,culture,local|author|printed
brewery|the brewer|batch,batches|volume,volumes:20-900 litres;strength,strengths:2-12 percent|hop:saaz,cascade,fuggle,citra|brewer|brewed
taxi company|the operator|ride,rides|fare,fares:5-96 coins;distance,distances:1-44 kilometres|district:old town,docks,heights,airport|driver|completed
laboratory|the technician|sample,samples|mass,masses:3-260 milligrams;acidity,acidities:1-14 degrees|metal:tin,lead,silver,cobalt|analyst|measured
power plant|the engineer|turbine,turbines|output,outputs:40-880 megawatts;speed,speeds:300-3600 turns|fuel:gas,hydro,wind,coal|operator|inspected
bookshop|the owner|sale,sales|price,prices:3-75 euros;page count,page counts:60-980 pages|genre:crime,fantasy,memoir,poetry|customer|rung up
archive|the archivist|letter,letters|page count,page counts:1-30 pages;year,years:1801-1950 years|language:Latin,Greek,French,Polish|writer|catalogued
chess club|the arbiter|game,games|move count,move counts:8-96 moves;duration,durations:5-240 minutes|opening:Sicilian,French,English,Slav|winner|played
zoo|the keeper|animal,animals|weight,weights:2-850 kilograms;age,ages:1-40 years|house:reptile,aviary,aquarium,savanna|keeper|weighed
garage|the attendant|car,cars|parking time,parking times:5-600 minutes;fee,fees:1-48 coins|level:roof,ground,upper,basement|driver|parked
cinema|the projectionist|film,films|running time,running times:70-210 minutes;audience,audiences:3-420 guests|genre:western,drama,comedy,horror|director|shown
forest|the ranger|trail,trails|length,lengths:1-42 kilometres;climb,climbs:10-1500 metres|region:ridge,lake,gorge,marsh|guide|marked
swimming club|the coach|lap,laps|time,times:24-140 seconds;stroke count,stroke counts:12-70 strokes|style:butterfly,crawl,breast,back|swimmer|timed
data centre|the administrator|server,servers|load,loads:1-99 percent;uptime,uptimes:1-900 days|zone:blue,green,amber,violet|owner|monitored
phone company|the analyst|call,calls|duration,durations:1-190 minutes;charge,charges:0-88 cents|tariff:basic,night,family,travel|caller|billed
pharmacy|the pharmacist|order,orders|quantity,quantities:1-120 boxes;price,prices:3-210 euros|remedy:syrup,salve,drops,pills|customer|filled
fishery|the captain|catch,catches|weight,weights:3-640 kilograms;depth,depths:5-300 metres|fish:cod,hake,perch,herring|fisher|landed
auction house|the auctioneer|lot,lots|bid,bids:20-980 euros;age,ages:5-400 years|category:clock,vase,rug,coin|bidder|sold
bicycle race|the timekeeper|stage,stages|length,lengths:30-230 kilometres;climb,climbs:0-3000 metres|terrain:flat,hilly,mountain,cobbled|leader|ridden
greenhouse|the gardener|plant,plants|height,heights:3-190 centimetres;leaf count,leaf counts:2-85 leaves|species:fern,orchid,cactus,basil|gardener|potted
printing shop|the printer|job,jobs|copy count,copy counts:10-900 copies;ink use,ink uses:1-70 millilitres|format:poster,flyer,booklet,card|client|printed
toll bridge|the collector|crossing,crossings|toll,tolls:1-35 coins;axle count,axle counts:2-7 axles|vehicle:van,coach,truck,tractor|driver|recorded
lighthouse|the keeper|ship,ships|tonnage,tonnages:20-950 tons;speed,speeds:3-34 knots|flag:Malta,Japan,Chile,Ghana|captain|sighted
carpentry|the carpenter|board,boards|length,lengths:30-420 centimetres;width,widths:4-60 centimetres|wood:oak,pine,beech,ash|buyer|sawn
tailor's shop|the tailor|coat,coats|price,prices:40-690 euros;button count,button counts:2-16 buttons|cloth:wool,linen,silk,tweed|customer|sewn
radio station|the host|song,songs|length,lengths:95-480 seconds;request count,request counts:0-66 requests|genre:jazz,folk,soul,opera|singer|aired
insurance office|the adjuster|claim,claims|amount,amounts:50-990 euros;age,ages:1-200 days|type:fire,theft,storm,water|holder|filed
ski resort|the lift manager|run,runs|length,lengths:300-5200 metres;drop,drops:50-1100 metres|colour:blue,red,black,green|guide|opened
warehouse|the storekeeper|pallet,pallets|weight,weights:60-990 kilograms;box count,box counts:4-96 boxes|aisle:north,south,cold,bulk|picker|stored
"""


@dataclass(frozen=True)
class Quantity:
    """A number that each thing of a context has."""

    noun: str
    """What it is called, in the singular."""
    plural: str
    """What it is called, in the plural."""
    low: int
    """Least value that is drawn."""
    high: int
    """Greatest value that is drawn."""
    unit: str
    """Name of the unit, in the plural."""


@dataclass(frozen=True)
class Context:
    """A place with its things and what is known of each."""

    place: str
    """Where it is: 'harbour'."""
    keeper: str
    """Who writes things down, with an article."""
    thing: str
    """What is there, in the singular."""
    things: str
    """What is there, in the plural."""
    quantities: tuple[Quantity, ...]
    """What is measured of each thing."""
    kind: str
    """What the things are told apart by."""
    kinds: tuple[str, ...]
    """The values of that."""
    label: str
    """Whose name goes with a thing."""
    done: str
    """What was done to the things: a participle."""


def _context(line: str) -> Context:
    place, keeper, thing, quantities, kind, label, done = line.split("|")
    one, several = thing.split(",")
    noun, values = kind.split(":")
    return Context(
        place=place,
        keeper=keeper,
        thing=one,
        things=several,
        quantities=tuple(_quantity(text) for text in quantities.split(";")),
        kind=noun,
        kinds=tuple(values.split(",")),
        label=label,
        done=done,
    )


def _quantity(text: str) -> Quantity:
    nouns, measure = text.split(":")
    noun, plural = nouns.split(",")
    span, unit = measure.split(" ", 1)
    low, high = span.split("-")
    return Quantity(noun, plural, int(low), int(high), unit)


CONTEXTS = tuple(_context(line) for line in _TABLE.strip().splitlines())
"""All contexts, in the order of the table."""
