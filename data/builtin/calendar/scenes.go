package calendar

import "strings"

// scene is where events of a kind are, so that nobody has lunch at a car park.
type scene struct {
	events   []string // by name
	from, to int      // hours of the day when they begin; both 0: any after 7
	venues   []string // where: after "at the"
	kinds    []string // where: the last word of a name
	home     bool     // also at home
	alone    bool     // nobody does it in a crowd
}

func (sc *scene) fits(hour int) bool {
	if sc.to == 0 {
		return hour >= 7
	}
	return hour >= sc.from && hour <= sc.to
}

func list(text string) []string { return strings.Split(text, ", ") }

var foodKinds = strings.Fields("Cafe Café Bistro Grill Diner Inn Bakery Tavern Kitchen Restaurant Deli Garden")

var (
	foodVenues = list("bakery, bistro, brasserie, cafe, coffee shop, deli, diner, food court, hotel, noodle bar, restaurant, seafood place, sushi bar, tea house, winery")

	schooling = scene{
		venues: list("community center, youth club, school, college, university, village hall, studio, high school, clubhouse"),
		kinds:  strings.Fields("Hall School Studio Club Center Academy House"),
	}
	shopping = scene{
		from: 8, to: 20, alone: true,
		venues: list("mall, hardware store, department store, farmers market, garden center, post office, shopping center, supermarket, pharmacy, toy store, pet store, warehouse, bookstore"),
		kinds:  strings.Fields("Market Store Shop Outlet Plaza Mall Hardware"),
	}
	showing = scene{
		from: 9, to: 21,
		venues: list("art gallery, botanical garden, museum, town hall, park, fairground, exhibition hall, plaza, theater, waterfront, science center"),
		kinds:  strings.Fields("Gallery Museum Hall Park Theater Gardens Plaza"),
	}
	gathering = scene{
		from: 10, to: 22,
		venues: list("clubhouse, park, beach, boathouse, village hall, rooftop bar, bowling alley, golf club, hotel, lodge, ballroom, terrace, vineyard"),
		kinds:  strings.Fields("Hall Park House Hotel Inn Lounge Farm Gardens Club"),
	}
	outdoors = scene{
		from: 6, to: 19,
		venues: list("zoo, farm, nature reserve, beach, harbor, park, aquarium, lighthouse, orchard, riding school, waterfront"),
		kinds:  strings.Fields("Park Farm Zoo Reserve Gardens Lake Beach"),
	}

	// scenes are those of events that have names of their own.
	scenes = []*scene{
		{events: []string{"lunch", "team lunch", "lunch break", "business lunch"}, from: 11, to: 14, venues: foodVenues, kinds: foodKinds},
		{events: []string{"dinner", "family dinner", "drinks", "birthday dinner", "pizza night"}, from: 17, to: 22, home: true, venues: foodVenues, kinds: foodKinds},
		{events: []string{"breakfast", "coffee", "brunch", "morning tea"}, from: 7, to: 11, venues: foodVenues, kinds: foodKinds},
		{
			events: []string{"dentist appointment", "eye exam", "blood test", "physical therapy", "therapy session", "checkup", "flu shot", "haircut", "massage"},
			from:   8, to: 18, alone: true,
			venues: list("clinic, dental office, medical center, hospital, spa, hair salon"), kinds: strings.Fields("Clinic Hospital Practice Spa Center"),
		},
		{
			events: []string{
				"birthday party", "housewarming party", "game night", "movie night", "book club", "baby shower", "school play", "wine tasting", "study group",
				"farewell party", "graduation party", "piano recital", "charity auction", "bake sale", "family reunion", "wedding rehearsal", "jazz concert",
			},
			from: 12, to: 21, home: true, venues: gathering.venues, kinds: gathering.kinds,
		},
		{
			events: []string{"photo walk", "run", "bike ride", "walk", "picnic", "barbecue", "dog walk", "swim", "kayak tour", "birdwatching"},
			from:   8, to: 19, venues: list("park, beach, nature reserve, harbor, waterfront, lake, dog park, campground, river"),
			kinds: strings.Fields("Park Beach Trail Lake Hills Woods Bay"),
		},
		{
			events: []string{"workout", "soccer game", "tennis match", "basketball game", "charity run", "yoga", "gym session", "swim meet", "boxing match", "hockey game"},
			from:   7, to: 21, venues: list("gym, sports complex, stadium, fitness center, arena, school, university, playground"),
			kinds: strings.Fields("Gym Arena Stadium Club Center Field"),
		},
	}

	// office is the scene of work.
	office = scene{
		venues: list("library, university, exhibition hall, warehouse, hotel, cafe, coffee shop, town hall, laboratory, factory, innovation hub, embassy, restaurant, concert hall, courthouse, science center"),
		kinds:  strings.Fields("Hall Center Tower Hotel Library Building Cafe Lounge House Restaurant Club"),
	}
)
