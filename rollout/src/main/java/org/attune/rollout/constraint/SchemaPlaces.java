package org.attune.rollout.constraint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;

import org.attune.error.ConfigException;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.Set;
import java.util.TreeSet;

/// The schemas inside of a schema by their place, what they refer to, and which of their keywords
/// are known.
final class SchemaPlaces {
    /// Keywords that say something about values.
    private static final Set<String> KNOWN =
            Set.of(
                    "type",
                    "enum",
                    "const",
                    "properties",
                    "required",
                    "additionalProperties",
                    "patternProperties",
                    "minProperties",
                    "maxProperties",
                    "items",
                    "prefixItems",
                    "additionalItems",
                    "minItems",
                    "maxItems",
                    "minimum",
                    "maximum",
                    "exclusiveMinimum",
                    "exclusiveMaximum",
                    "multipleOf",
                    "minLength",
                    "maxLength",
                    "pattern",
                    "format",
                    "anyOf",
                    "oneOf",
                    "allOf",
                    "$ref");

    /// Keywords that say something that isn't kept to.
    private static final Set<String> REFUSED =
            Set.of(
                    "not",
                    "if",
                    "then",
                    "else",
                    "contains",
                    "minContains",
                    "maxContains",
                    "uniqueItems",
                    "propertyNames",
                    "dependentRequired",
                    "dependentSchemas",
                    "dependencies",
                    "unevaluatedProperties",
                    "unevaluatedItems",
                    "$dynamicRef",
                    "$dynamicAnchor",
                    "$recursiveRef",
                    "$recursiveAnchor",
                    "extends",
                    "disallow",
                    "divisibleBy");

    private final JsonNode root;
    private final Map<String, String> named = new HashMap<>(); // address → pointer
    private final Map<String, URI> bases = new HashMap<>(); // pointer → address it is in

    /// One schema.
    ///
    /// @param pointer where it stands
    /// @param without keywords that are looked after already
    record Place(String pointer, Set<String> without) {
        static Place of(String pointer) {
            return new Place(pointer, Set.of());
        }

        Place less(String keyword) {
            Set<String> more = new HashSet<>(without);
            more.add(keyword);
            return new Place(pointer, Set.copyOf(more));
        }

        /// A schema inside of it.
        Place below(String... names) {
            var path = new StringBuilder(pointer);
            for (String name : names) {
                path.append('/').append(name.replace("~", "~0").replace("/", "~1"));
            }
            return of(path.toString());
        }
    }

    SchemaPlaces(JsonNode root) {
        this.root = root;
        index(root, "", URI.create(""));
    }

    private void index(JsonNode node, String pointer, URI outer) {
        URI base = outer;
        if (node.path("$id").isTextual()) {
            try {
                base = outer.resolve(node.get("$id").textValue());
            } catch (IllegalArgumentException e) {
                throw new ConfigException(
                        at(pointer, "$id") + " is no address: " + node.get("$id"));
            }
            named.put(withoutFragment(base), pointer);
        }
        if (pointer.isEmpty()) {
            named.put(withoutFragment(base), pointer);
        }
        if (node.path("$anchor").isTextual()) {
            named.put(withoutFragment(base) + "#" + node.get("$anchor").textValue(), pointer);
        }
        bases.put(pointer, base);
        URI inner = base;
        node.properties()
                .forEach(
                        each ->
                                index(
                                        each.getValue(),
                                        Place.of(pointer).below(each.getKey()).pointer(),
                                        inner));
        for (int i = 0; node.isArray() && i < node.size(); i++) {
            index(node.get(i), pointer + "/" + i, inner);
        }
    }

    private static String withoutFragment(URI uri) {
        String text = uri.toString();
        return text.contains("#") ? text.substring(0, text.indexOf('#')) : text;
    }

    /// How a message names a place.
    static String at(String pointer, String keyword) {
        return "the JSON schema's %s at #%s".formatted(keyword, pointer);
    }

    /// The value of a keyword; missing if it isn't there, or is looked after already.
    JsonNode get(Place place, String keyword) {
        return place.without().contains(keyword)
                ? MissingNode.getInstance()
                : root.at(place.pointer()).path(keyword);
    }

    /// Schemas that hold together: references and `allOf` are followed.
    ///
    /// @return empty if one is `false`, or refers to itself alone
    /// @throws ConfigException naming keyword and place, if one can't be followed
    Optional<SequencedSet<Place>> flat(Set<Place> places) {
        SequencedSet<Place> flat = new LinkedHashSet<>();
        for (Place place : places) {
            if (!collect(place, new ArrayDeque<>(), flat)) {
                return Optional.empty();
            }
        }
        return Optional.of(flat);
    }

    private boolean collect(Place place, Deque<Place> open, SequencedSet<Place> flat) {
        JsonNode schema = root.at(place.pointer());
        if (schema.isBoolean()) {
            return schema.booleanValue();
        }
        if (!schema.isObject()) {
            throw new ConfigException(
                    "the JSON schema at #%s is %s; accepted: an object, true or false"
                            .formatted(
                                    place.pointer(), schema.isMissingNode() ? "missing" : schema));
        }
        if (open.contains(place)) {
            return false;
        }
        open.push(place);
        requireKnown(place.pointer(), schema);
        Place rest = place;
        JsonNode reference = get(place, "$ref");
        boolean possible = true;
        if (!reference.isMissingNode()) {
            rest = rest.less("$ref");
            possible = collect(Place.of(target(place, reference)), open, flat);
        }
        JsonNode all = get(place, "allOf");
        if (!all.isMissingNode()) {
            rest = rest.less("allOf");
            requireList(place, "allOf", all);
            for (int i = 0; possible && i < all.size(); i++) {
                possible = collect(place.below("allOf", "" + i), open, flat);
            }
        }
        if (saysMore(rest, schema)) {
            flat.add(rest);
        }
        open.pop();
        return possible;
    }

    void requireList(Place place, String keyword, JsonNode value) {
        if (!value.isArray() || value.isEmpty()) {
            throw new ConfigException(
                    at(place.pointer(), keyword)
                            + " is "
                            + value
                            + "; accepted: a list of schemas");
        }
    }

    private static boolean saysMore(Place place, JsonNode schema) {
        return schema.properties().stream()
                .anyMatch(
                        each ->
                                KNOWN.contains(each.getKey())
                                        && !place.without().contains(each.getKey()));
    }

    private static void requireKnown(String pointer, JsonNode schema) {
        var refused = new TreeSet<String>();
        schema.fieldNames().forEachRemaining(refused::add);
        refused.retainAll(REFUSED);
        if (schema.path("uniqueItems").isBoolean() && !schema.get("uniqueItems").booleanValue()) {
            refused.remove("uniqueItems");
        }
        if (!refused.isEmpty()) {
            throw new ConfigException(
                    at(pointer, refused.getFirst())
                            + " can't be kept to while text is written; leave it out, or say it"
                            + " otherwise");
        }
    }

    private String target(Place place, JsonNode reference) {
        if (!reference.isTextual()) {
            throw new ConfigException(
                    at(place.pointer(), "$ref") + " is " + reference + "; accepted: a text");
        }
        String text = reference.textValue();
        int hash = text.indexOf('#');
        String fragment = hash < 0 ? "" : decoded(text.substring(hash + 1));
        URI base = bases.get(place.pointer());
        String address = hash < 0 ? text : text.substring(0, hash);
        String file;
        try {
            file = withoutFragment(address.isEmpty() ? base : base.resolve(address));
        } catch (IllegalArgumentException e) {
            file = address;
        }
        String found =
                fragment.isEmpty() || fragment.startsWith("/")
                        ? named.get(file)
                        : named.get(file + "#" + fragment);
        String pointer = fragment.startsWith("/") && found != null ? found + fragment : found;
        if (pointer == null || root.at(pointer).isMissingNode()) {
            throw new ConfigException(
                    at(place.pointer(), "$ref")
                            + " is "
                            + text
                            + ", which isn't in the schema; accepted: references into the schema"
                            + " itself");
        }
        return pointer;
    }

    private static String decoded(String fragment) {
        return URLDecoder.decode(fragment.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
}
