package org.attune.text.parse.turn;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/// How the models of a family write a turn: what each mark means. Text between no marks is content.
///
/// @param openings what opens regions
/// @param ends what ends the turn
/// @param skipped texts that mean nothing
/// @param controls texts that are left out where a call that can't be read becomes content
/// @param headers what a turn begins with, in prompts; behind an end it goes on with one
/// @param promptEnd what of a prompt belongs to the turn that follows
/// @param reasoningKey key of the reasoning in messages
/// @param defaults fields of every message
/// @param isStripped whether white space around texts is left out
/// @param keepsRest whether text between no marks is content, else it is left out
public record TurnFormat(
        List<Opening> openings,
        List<Mark> ends,
        List<String> skipped,
        List<String> controls,
        List<String> headers,
        UnaryOperator<String> promptEnd,
        String reasoningKey,
        Map<String, Object> defaults,
        boolean isStripped,
        boolean keepsRest) {
    public TurnFormat {
        openings = List.copyOf(openings);
        ends = List.copyOf(ends);
        skipped = List.copyOf(skipped);
        controls = List.copyOf(controls);
        headers = List.copyOf(headers);
        defaults = Collections.unmodifiableMap(new LinkedHashMap<>(defaults));
    }

    /// The format with white space around texts as it was written.
    TurnFormat keepingSpace() {
        return new TurnFormat(
                openings,
                ends,
                skipped,
                controls,
                headers,
                promptEnd,
                reasoningKey,
                defaults,
                false,
                keepsRest);
    }

    /// What opens a region.
    ///
    /// @param takesBefore whether the text before it says what kind of region it is, as a header;
    ///     it is no content then
    /// @param region by the mark's groups and that text
    public record Opening(
            Mark mark,
            boolean takesBefore,
            BiFunction<Map<String, String>, String, Region> region) {
        /// An opening that leads to one region always.
        public static Opening of(Mark mark, Region region) {
            return new Opening(mark, false, (_, _) -> region);
        }
    }
}
