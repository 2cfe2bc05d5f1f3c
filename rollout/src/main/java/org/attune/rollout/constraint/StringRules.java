package org.attune.rollout.constraint;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.rollout.constraint.SchemaPlaces.Place;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Strings that some schemas hold for.
///
/// @param reader of the whole schema
record StringRules(SchemaReader reader) {
    Expr string(Set<Place> all) {
        int least = reader.least(all, "minLength");
        int most = reader.most(all, "maxLength");
        if (least > most) {
            return reader.grammar.nothing;
        }
        List<Expr> parts = new ArrayList<>();
        for (Place place : all) {
            for (String keyword : List.of("pattern", "format")) {
                JsonNode value = reader.places.get(place, keyword);
                if (!value.isMissingNode()) {
                    parts.add(rule(place, keyword, value));
                }
            }
        }
        if (parts.isEmpty() || least > 0 || most < Expr.ENDLESS) {
            parts.add(reader.text.characters(least, most));
        }
        return reader.text.string(reader.grammar.allOf(parts));
    }

    private Expr rule(Place place, String keyword, JsonNode value) {
        if (!value.isTextual()) {
            throw SchemaReader.wrong(place, keyword, value, "a text");
        }
        if (keyword.equals("pattern")) {
            return search(place, keyword, value.textValue(), reader.text);
        }
        String regex = StringFormats.regex(value.textValue());
        if (regex == null) {
            throw SchemaReader.wrong(
                    place, keyword, value, String.join(", ", StringFormats.names()));
        }
        return RegexReader.whole(reader.grammar, regex, reader.text::character);
    }

    /// Contents of strings in which a pattern is found.
    Expr search(Place place, String keyword, String regex, JsonText text) {
        try {
            return RegexReader.search(reader.grammar, regex, text::character);
        } catch (ConfigException e) {
            throw new ConfigException(
                    SchemaPlaces.at(place.pointer(), keyword) + ": " + e.getMessage(), e);
        }
    }
}
