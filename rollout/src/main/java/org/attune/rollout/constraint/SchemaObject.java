package org.attune.rollout.constraint;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.rollout.constraint.SchemaPlaces.Place;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import java.util.Set;

/// Objects that some schemas hold for: declared keys in their order, then required ones that aren't
/// declared, then others.
final class SchemaObject {
    private static final int MOST_PATTERNS = 5;
    private static final int FEW_KEYS = 1_000;

    private final SchemaReader reader;
    private final Grammar grammar;
    private final Set<Place> all;
    private final SequencedSet<String> names = new LinkedHashSet<>();
    private final Set<String> required = new LinkedHashSet<>();
    private final List<Pattern> patterns = new ArrayList<>();
    private final List<Member> members = new ArrayList<>();
    private final Map<List<Integer>, Expr> tails = new HashMap<>();
    private final Expr comma;
    private final int least;
    private final int most;
    private Expr others; // one more key and its value

    /// A pattern of keys.
    ///
    /// @param place of the schema that has it
    private record Pattern(Place place, String regex) {}

    /// A declared key and its value.
    private record Member(Expr expr, boolean required) {}

    SchemaObject(SchemaReader reader, Set<Place> all) {
        this.reader = reader;
        this.all = all;
        grammar = reader.grammar;
        comma = grammar.text(",");
        least = reader.least(all, "minProperties");
        most = reader.most(all, "maxProperties");
    }

    Expr expr() {
        all.forEach(this::collect);
        names.addAll(required);
        for (String name : names) {
            Expr value = reader.expr(schemas(name));
            if (value != grammar.nothing) {
                Expr pair = grammar.chain(reader.text.key(name), grammar.text(":"), value);
                members.add(new Member(pair, required.contains(name)));
            } else if (required.contains(name)) {
                return grammar.nothing;
            }
        }
        others = most > 0 ? others() : grammar.nothing;
        for (int next = members.size(); next > 0; next--) { // from the end: there may be thousands
            for (int written = 0; written <= counted(next); written++) {
                tail(next, written);
            }
        }
        return grammar.chain(grammar.text("{"), grammar.chain(tail(0, 0), grammar.text("}")));
    }

    private void collect(Place place) {
        JsonNode properties = objectOf(place, "properties");
        properties.fieldNames().forEachRemaining(names::add);
        objectOf(place, "patternProperties")
                .fieldNames()
                .forEachRemaining(regex -> patterns.add(new Pattern(place, regex)));
        if (patterns.size() > MOST_PATTERNS) {
            throw SchemaReader.wrong(
                    place,
                    "patternProperties",
                    objectOf(place, "patternProperties"),
                    "at most " + MOST_PATTERNS + " patterns for one object");
        }
        JsonNode needed = reader.places.get(place, "required");
        if (!needed.isMissingNode() && !needed.isArray()) {
            throw SchemaReader.wrong(place, "required", needed, "a list of keys");
        }
        for (JsonNode name : needed) {
            if (!name.isTextual()) {
                throw SchemaReader.wrong(place, "required", needed, "a list of keys");
            }
            required.add(name.textValue());
        }
    }

    private JsonNode objectOf(Place place, String keyword) {
        JsonNode value = reader.places.get(place, keyword);
        if (!value.isMissingNode() && !value.isObject()) {
            throw SchemaReader.wrong(place, keyword, value, "an object of schemas");
        }
        return value;
    }

    /// The schemas that hold for the value of a declared key.
    private Set<Place> schemas(String name) {
        Set<Pattern> matching = new LinkedHashSet<>();
        for (Pattern pattern : patterns) {
            if (finds(pattern, name)) {
                matching.add(pattern);
            }
        }
        SequencedSet<Place> found = new LinkedHashSet<>();
        for (Place place : all) {
            boolean declared = objectOf(place, "properties").has(name);
            if (declared) {
                found.add(place.below("properties", name));
            }
            found.addAll(schemas(place, matching, declared));
        }
        return found;
    }

    /// What one schema says of the value of a key beside `properties`.
    private Set<Place> schemas(Place place, Set<Pattern> matching, boolean declared) {
        Set<Place> found = new LinkedHashSet<>();
        for (Pattern pattern : matching) {
            if (pattern.place().equals(place)) {
                found.add(place.below("patternProperties", pattern.regex()));
            }
        }
        boolean free = found.isEmpty() && !declared;
        if (free && !reader.places.get(place, "additionalProperties").isMissingNode()) {
            found.add(place.below("additionalProperties"));
        }
        return found;
    }

    private static boolean finds(Pattern pattern, String name) {
        var own = new Grammar();
        Expr found = RegexReader.search(own, pattern.regex(), set -> Utf8.oneOf(own, set));
        return Automaton.of(own, found).map(keys -> keys.takes(found, name)).orElse(false);
    }

    /// Keys that aren't declared, each with its value, by the patterns that they match.
    private Expr others() {
        List<Expr> found = new ArrayList<>();
        for (int choice = 0; choice < 1 << patterns.size(); choice++) {
            Set<Pattern> matching = new LinkedHashSet<>();
            for (int p = 0; p < patterns.size(); p++) {
                if ((choice >> p & 1) > 0) {
                    matching.add(patterns.get(p));
                }
            }
            Set<Place> schemas = new LinkedHashSet<>();
            all.forEach(place -> schemas.addAll(schemas(place, matching, false)));
            Expr value = reader.expr(schemas);
            if (value != grammar.nothing) {
                reader.objectIsOpen();
                Expr key = reader.text.string(keys(matching));
                found.add(grammar.chain(key, grammar.text(":"), value));
            }
        }
        return grammar.anyOf(found);
    }

    /// Keys that aren't declared and match these patterns alone. As in llguidance any character may
    /// be escaped where no pattern matches, but there are declared keys or patterns.
    private Expr keys(Set<Pattern> matching) {
        boolean free = matching.isEmpty() && !(names.isEmpty() && patterns.isEmpty());
        JsonText text = free ? reader.escaped : reader.text;
        List<Expr> parts = new ArrayList<>();
        parts.add(text.characters(0, Expr.ENDLESS));
        parts.add(grammar.not(grammar.anyOf(names.stream().map(text::content).toList())));
        for (Pattern pattern : patterns) {
            Expr found =
                    reader.strings.search(
                            pattern.place(), "patternProperties", pattern.regex(), text);
            parts.add(matching.contains(pattern) ? found : grammar.not(found));
        }
        if (!matching.isEmpty()) {
            requireMany(matching);
        }
        return grammar.allOf(parts);
    }

    /// Once all keys of a pattern are used up, a comma would lead nowhere.
    private void requireMany(Set<Pattern> matching) {
        var own = new Grammar();
        List<Expr> parts = new ArrayList<>();
        for (Pattern pattern : patterns) {
            Expr found = RegexReader.search(own, pattern.regex(), set -> Utf8.oneOf(own, set));
            parts.add(matching.contains(pattern) ? found : own.not(found));
        }
        Expr keys = own.allOf(parts);
        if (Automaton.of(own, keys).map(all -> all.hasFew(keys, FEW_KEYS)).orElse(false)) {
            Pattern pattern = matching.iterator().next();
            throw new ConfigException(
                    "%s: less than %d keys match %s; accepted: each of them under properties"
                            .formatted(
                                    SchemaPlaces.at(pattern.place().pointer(), "patternProperties"),
                                    FEW_KEYS,
                                    pattern.regex()));
        }
    }

    /// What may follow some keys.
    ///
    /// @param next index of the declared key that may come next
    /// @param written how many were written
    private Expr tail(int next, int written) {
        int counted = counted(written);
        List<Integer> key = List.of(next, counted);
        Expr known = tails.get(key);
        if (known == null) {
            known = newTail(next, counted);
            tails.put(key, known);
        }
        return known;
    }

    /// How many keys are told apart.
    private int counted(int written) {
        return Math.min(written, most == Expr.ENDLESS ? Math.max(least, 1) : most + 1);
    }

    private Expr newTail(int next, int written) {
        if (written > most) {
            return grammar.nothing;
        }
        Expr before = written > 0 ? comma : grammar.empty;
        if (next < members.size()) {
            Member member = members.get(next);
            Expr with = grammar.chain(before, member.expr(), tail(next + 1, written + 1));
            return member.required() ? with : grammar.anyOf(List.of(with, tail(next + 1, written)));
        }
        int needed = Math.max(least - written, 0);
        int left = most == Expr.ENDLESS ? most : most - written;
        if (written > 0) {
            return grammar.repeat(grammar.chain(comma, others), needed, left);
        }
        Expr some =
                left == 0
                        ? grammar.nothing
                        : grammar.chain(
                                others,
                                grammar.repeat(
                                        grammar.chain(comma, others),
                                        Math.max(needed - 1, 0),
                                        left == Expr.ENDLESS ? left : left - 1));
        return needed == 0 ? grammar.optional(some) : some;
    }
}
