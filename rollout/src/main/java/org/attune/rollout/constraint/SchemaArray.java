package org.attune.rollout.constraint;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.rollout.constraint.SchemaPlaces.Place;

import java.util.LinkedHashSet;
import java.util.Set;

/// Arrays that some schemas hold for.
///
/// @param all the schemas
record SchemaArray(SchemaReader reader, Set<Place> all) {
    Expr expr() {
        Grammar grammar = reader.grammar;
        int least = reader.least(all, "minItems");
        int most = reader.most(all, "maxItems");
        if (least > most) {
            return grammar.nothing;
        }
        int listed = all.stream().mapToInt(place -> listed(place).size()).max().orElse(0);
        Expr comma = grammar.text(",");
        Expr rest = rest(listed, least, most, comma);
        for (int i = listed - 1; i >= 0; i--) {
            Expr item =
                    i >= most
                            ? grammar.nothing
                            : grammar.chain(i > 0 ? comma : grammar.empty, item(i), rest);
            rest = i < least ? item : grammar.optional(item);
        }
        return grammar.chain(grammar.text("["), grammar.chain(rest, grammar.text("]")));
    }

    /// Items behind those that are listed one by one.
    private Expr rest(int listed, int least, int most, Expr comma) {
        Grammar grammar = reader.grammar;
        if (most <= listed) {
            return grammar.empty;
        }
        Expr item = item(listed);
        Expr more = grammar.chain(comma, item);
        int left = most == Expr.ENDLESS ? most : most - listed;
        int needed = Math.max(least - listed, 0);
        if (listed > 0) {
            return grammar.repeat(more, needed, left);
        }
        Expr some =
                grammar.chain(
                        item,
                        grammar.repeat(
                                more,
                                Math.max(needed - 1, 0),
                                left == Expr.ENDLESS ? left : left - 1));
        return needed == 0 ? grammar.optional(some) : some;
    }

    /// What stands at an index.
    private Expr item(int index) {
        Set<Place> places = new LinkedHashSet<>();
        for (Place place : all) {
            String keyword = keyword(place);
            JsonNode one = listed(place);
            if (index < one.size()) {
                places.add(place.below(keyword, "" + index));
            } else {
                String others = keyword.equals("items") ? "additionalItems" : "items";
                JsonNode value = reader.places.get(place, others);
                if (!value.isMissingNode()
                        && !value.isArray()
                        && (one.isArray() || others.equals("items"))) {
                    places.add(place.below(others));
                }
            }
        }
        return reader.expr(places);
    }

    /// The keyword that lists items one by one; older drafts have `items` for it.
    private String keyword(Place place) {
        return reader.places.get(place, "items").isArray() ? "items" : "prefixItems";
    }

    private JsonNode listed(Place place) {
        JsonNode listed = reader.places.get(place, keyword(place));
        if (!listed.isMissingNode() && !listed.isArray()) {
            throw SchemaReader.wrong(place, "prefixItems", listed, "a list of schemas");
        }
        return listed;
    }
}
