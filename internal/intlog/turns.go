package intlog

import "slices"

// InTurns takes of a list what is the first of each organisation, then what is the second of each, and so on: each of one organisation at most, and most in
// all. What has the same turn keeps the order of the list. So no organisation takes the place of another, however much it has.
func InTurns[T any](list []T, org func(T) string, most, each int) []T {
	var turns [][]T
	had := map[string]int{}
	for _, x := range list {
		of := org(x)
		turn := had[of]
		if turn == each {
			continue
		}
		if had[of]++; turn == len(turns) {
			turns = append(turns, nil)
		}
		turns[turn] = append(turns[turn], x)
	}
	all := slices.Concat(turns...)
	return all[:min(len(all), most)]
}
