package org.attune.rollout.constraint;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.rollout.constraint.NumberRange.Bound;
import org.attune.rollout.constraint.SchemaPlaces.Place;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedSet;
import java.util.Set;

/// Reads a JSON schema as the language of its values' compact texts, keys in the order in which
/// they are declared. Where several schemas hold at once (`allOf`, a reference beside keywords, a
/// property in several parts) they are read together: so a language is made for a set of places.
final class SchemaReader {
    private static final Set<String> TYPES =
            Set.of("null", "boolean", "integer", "number", "string", "array", "object");

    /// Sets of places that a language is made for.
    private static final int MOST_COMBINED = 5_000;

    final Grammar grammar;
    final SchemaPlaces places;
    final JsonText text;
    final JsonText escaped; // where any character may be escaped
    private final NumberRange numbers;
    final StringRules strings;
    private final Map<Set<Place>, Expr> made = new HashMap<>();
    private final List<Overlap> overlaps = new ArrayList<>();
    private Expr any;
    private boolean open;
    private Optional<String> impossible = Optional.empty();

    /// Two parts of `oneOf`, which must have no value in common.
    private record Overlap(Expr both, String message) {}

    SchemaReader(Grammar grammar, JsonNode schema) {
        this.grammar = grammar;
        places = new SchemaPlaces(schema);
        text = new JsonText(grammar);
        escaped = new JsonText(grammar, true);
        numbers = new NumberRange(grammar);
        strings = new StringRules(this);
    }

    /// The automaton of the whole schema.
    ///
    /// @throws ConfigException naming keyword and place, if it is wrong, can't be kept to or holds
    ///     for no value
    Automaton read() {
        Expr all = expr(Set.of(Place.of("")));
        Optional<Automaton> automaton = Automaton.of(grammar, all);
        if (automaton.isEmpty()) {
            throw new ConfigException(
                    "the JSON schema holds for no value: what it says contradicts itself"
                            + impossible.map(p -> ", as at #" + p).orElse(""));
        }
        requireApart(automaton.get());
        return automaton.get();
    }

    /// Whether objects may have keys that aren't declared: nothing but their writer keeps these
    /// from coming twice.
    boolean isOpen() {
        return open;
    }

    boolean hasOverlaps() {
        return !overlaps.isEmpty();
    }

    void objectIsOpen() {
        open = true;
    }

    private void requireApart(Automaton automaton) {
        for (Overlap overlap : overlaps) {
            if (automaton.isAlive(overlap.both())) {
                throw new ConfigException(overlap.message());
            }
        }
    }

    /// Any value.
    Expr any() {
        if (any == null) {
            any = grammar.newRule("any value");
            open = true;
            Expr comma = grammar.text(",");
            Expr members =
                    grammar.chain(
                            text.string(text.characters(0, Expr.ENDLESS)), grammar.text(":"), any);
            grammar.define(
                    any,
                    grammar.anyOf(
                            List.of(
                                    grammar.texts(List.of("null", "true", "false")),
                                    numbers.number(),
                                    text.string(text.characters(0, Expr.ENDLESS)),
                                    grammar.chain(
                                            grammar.text("["),
                                            listed(any, comma),
                                            grammar.text("]")),
                                    anyObject(members, comma))));
        }
        return any;
    }

    private Expr anyObject(Expr member, Expr comma) {
        return grammar.chain(grammar.text("{"), listed(member, comma), grammar.text("}"));
    }

    private Expr listed(Expr part, Expr comma) {
        return grammar.optional(grammar.chain(part, grammar.star(grammar.chain(comma, part))));
    }

    /// Values that all of these schemas hold for.
    Expr expr(Set<Place> all) {
        Optional<SequencedSet<Place>> flat = places.flat(all);
        if (flat.isEmpty()) {
            return grammar.nothing;
        }
        if (flat.get().isEmpty()) {
            return any();
        }
        if (made.size() > MOST_COMBINED) {
            throw new ConfigException(
                    ("the JSON schema has more than %d combinations of its parts; accepted: fewer"
                                    + " anyOf that hold together")
                            .formatted(MOST_COMBINED));
        }
        Expr known = made.get(flat.get());
        if (known != null) {
            return known;
        }
        Expr rule = grammar.newRule("of the schema at #" + flat.get().getFirst().pointer());
        made.put(flat.get(), rule);
        Expr body = body(flat.get());
        grammar.define(rule, body);
        if (body == rule) {
            body = grammar.nothing;
        }
        if (body == grammar.nothing && impossible.isEmpty()) {
            impossible = Optional.of(flat.get().getFirst().pointer());
        }
        if (!grammar.isCalled(rule)) {
            made.put(flat.get(), body);
            return body;
        }
        return rule;
    }

    private Expr body(SequencedSet<Place> all) {
        for (Place place : all) {
            for (String keyword : List.of("anyOf", "oneOf")) {
                JsonNode parts = places.get(place, keyword);
                if (!parts.isMissingNode()) {
                    return alternatives(all, place, keyword, parts);
                }
            }
        }
        for (Place place : all) {
            if (!places.get(place, "enum").isMissingNode()
                    || !places.get(place, "const").isMissingNode()) {
                return values(all, place);
            }
        }
        Set<String> types = types(all);
        var byType = new ArrayList<Expr>();
        if (types.contains("null")) {
            byType.add(grammar.text("null"));
        }
        if (types.contains("boolean")) {
            byType.add(grammar.texts(List.of("true", "false")));
        }
        if (types.contains("number") || types.contains("integer")) {
            byType.add(number(all, !types.contains("number")));
        }
        if (types.contains("string")) {
            byType.add(strings.string(all));
        }
        if (types.contains("array")) {
            byType.add(new SchemaArray(this, all).expr());
        }
        if (types.contains("object")) {
            byType.add(new SchemaObject(this, all).expr());
        }
        return grammar.anyOf(byType);
    }

    private Expr alternatives(
            SequencedSet<Place> all, Place place, String keyword, JsonNode parts) {
        places.requireList(place, keyword, parts);
        List<Set<Place>> each = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            SequencedSet<Place> with = new LinkedHashSet<>();
            all.forEach(p -> with.add(p.equals(place) ? p.less(keyword) : p));
            with.add(place.below(keyword, "" + i));
            each.add(with);
        }
        if (keyword.equals("oneOf")) {
            for (int i = 0; i < each.size(); i++) {
                for (int j = i + 1; j < each.size(); j++) {
                    if (areOtherConstants(parts.get(i), parts.get(j))) {
                        continue;
                    }
                    SequencedSet<Place> both = new LinkedHashSet<>(each.get(i));
                    both.addAll(each.get(j));
                    String message =
                            SchemaPlaces.at(place.pointer(), keyword)
                                    + " has parts %d and %d, of which both may hold for a value"
                                            .formatted(i, j)
                                    + "; accepted: parts that exclude each other, or anyOf";
                    overlaps.add(new Overlap(expr(both), message));
                }
            }
        }
        return grammar.anyOf(each.stream().map(this::expr).toList());
    }

    /// Whether two schemas are constants that surely differ.
    private static boolean areOtherConstants(JsonNode a, JsonNode b) {
        JsonNode first = a.path("const");
        JsonNode second = b.path("const");
        return first.isValueNode() && second.isValueNode() && !type(first).equals(type(second))
                || first.isTextual() && second.isTextual() && !first.equals(second)
                || first.isIntegralNumber()
                        && second.isIntegralNumber()
                        && !first.bigIntegerValue().equals(second.bigIntegerValue());
    }

    /// The values that one schema lists, as far as the others hold for them.
    private Expr values(SequencedSet<Place> all, Place place) {
        String keyword = places.get(place, "const").isMissingNode() ? "enum" : "const";
        JsonNode listed = places.get(place, keyword);
        List<JsonNode> values = new ArrayList<>();
        if (keyword.equals("const")) {
            values.add(listed);
        } else if (listed.isArray()) {
            listed.forEach(values::add);
        } else {
            throw wrong(place, keyword, listed, "a list of values");
        }
        SequencedSet<Place> others = new LinkedHashSet<>();
        all.forEach(p -> others.add((p.equals(place) ? p.less(keyword) : p).less("type")));
        Set<String> types = types(all);
        values.removeIf(value -> !types.contains(type(value)));
        Expr spelled = grammar.anyOf(values.stream().map(text::value).toList());
        Optional<SequencedSet<Place>> rest = places.flat(others);
        if (rest.isEmpty() || rest.get().isEmpty()) {
            return rest.isEmpty() ? grammar.nothing : spelled;
        }
        return grammar.allOf(List.of(spelled, expr(others)));
    }

    private static String type(JsonNode value) {
        return switch (value.getNodeType()) {
            case NULL -> "null";
            case BOOLEAN -> "boolean";
            case STRING -> "string";
            case ARRAY -> "array";
            case OBJECT -> "object";
            default ->
                    value.decimalValue().stripTrailingZeros().scale() <= 0 ? "integer" : "number";
        };
    }

    private Set<String> types(SequencedSet<Place> all) {
        Set<String> left = new LinkedHashSet<>(TYPES);
        for (Place place : all) {
            JsonNode type = places.get(place, "type");
            if (type.isMissingNode()) {
                continue;
            }
            Set<String> named = new LinkedHashSet<>();
            for (JsonNode each : type.isArray() ? type : List.of(type)) {
                if (!each.isTextual() || !TYPES.contains(each.textValue())) {
                    throw wrong(place, "type", type, "names among " + TYPES);
                }
                named.add(each.textValue());
            }
            if (named.contains("number")) {
                named.add("integer");
            }
            left.retainAll(named);
        }
        return left;
    }

    private Expr number(SequencedSet<Place> all, boolean whole) {
        Optional<Bound> low = Optional.empty();
        Optional<Bound> high = Optional.empty();
        List<Expr> parts = new ArrayList<>();
        for (Place place : all) {
            for (Bound bound : bounds(place, "minimum", "exclusiveMinimum")) {
                boolean tighter = low.isEmpty() || isTighter(bound, low.get(), 1);
                low = tighter ? Optional.of(bound) : low;
            }
            for (Bound bound : bounds(place, "maximum", "exclusiveMaximum")) {
                boolean tighter = high.isEmpty() || isTighter(bound, high.get(), -1);
                high = tighter ? Optional.of(bound) : high;
            }
            Optional<BigDecimal> step = decimal(place, "multipleOf");
            if (step.isPresent()) {
                parts.add(multiples(place, step.get()));
            }
        }
        parts.add(whole ? numbers.integers(low, high) : numbers.decimals(low, high));
        return grammar.allOf(parts);
    }

    private Expr multiples(Place place, BigDecimal step) {
        if (step.signum() <= 0) {
            throw wrong(place, "multipleOf", places.get(place, "multipleOf"), "a number above 0");
        }
        return numbers.multiples(step)
                .orElseThrow(
                        () ->
                                wrong(
                                        place,
                                        "multipleOf",
                                        places.get(place, "multipleOf"),
                                        "a number of nine digits at most"));
    }

    private static boolean isTighter(Bound bound, Bound than, int sign) {
        int order = sign * bound.value().subtract(than.value()).signum();
        return order > 0 || order == 0 && bound.open();
    }

    /// Draft 4 has a number and whether it is excluded, later ones have two numbers.
    private List<Bound> bounds(Place place, String closed, String opened) {
        JsonNode excluded = places.get(place, opened);
        List<Bound> bounds = new ArrayList<>();
        boolean flag = excluded.isBoolean();
        decimal(place, closed)
                .ifPresent(value -> bounds.add(new Bound(value, flag && excluded.booleanValue())));
        if (!flag) {
            decimal(place, opened).ifPresent(value -> bounds.add(new Bound(value, true)));
        }
        return bounds;
    }

    private Optional<BigDecimal> decimal(Place place, String keyword) {
        JsonNode value = places.get(place, keyword);
        if (value.isMissingNode()) {
            return Optional.empty();
        }
        if (!value.isNumber()
                || Double.isInfinite(value.doubleValue())
                || Math.abs(value.decimalValue().scale()) > 400) {
            throw wrong(place, keyword, value, "a number of at most 400 digits");
        }
        return Optional.of(value.decimalValue());
    }

    /// A count, such as `minLength`.
    OptionalInt count(Place place, String keyword) {
        JsonNode value = places.get(place, keyword);
        if (value.isMissingNode()) {
            return OptionalInt.empty();
        }
        boolean whole = value.isNumber() && value.decimalValue().stripTrailingZeros().scale() <= 0;
        if (!whole || !value.canConvertToInt() || value.intValue() < 0) {
            throw wrong(place, keyword, value, "a whole number from 0 on, below 2³¹");
        }
        return OptionalInt.of(value.intValue());
    }

    /// The largest of some lower bounds, 0 if there is none.
    int least(Set<Place> all, String keyword) {
        return all.stream().flatMapToInt(p -> count(p, keyword).stream()).max().orElse(0);
    }

    /// The smallest of some upper bounds.
    int most(Set<Place> all, String keyword) {
        return all.stream()
                .flatMapToInt(p -> count(p, keyword).stream())
                .min()
                .orElse(Expr.ENDLESS);
    }

    static ConfigException wrong(Place place, String keyword, JsonNode value, String accepted) {
        return new ConfigException(
                "%s is %s; accepted: %s"
                        .formatted(SchemaPlaces.at(place.pointer(), keyword), value, accepted));
    }
}
