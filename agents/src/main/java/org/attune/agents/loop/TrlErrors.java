package org.attune.agents.loop;

import org.attune.episode.ToolOutcome;
import org.attune.json.Json;

import java.util.Map;

/// The model's mistakes in TRL's words: a dictionary with an `error`, as Python prints it.
final class TrlErrors {
    private static final String START = "error: ";

    private TrlErrors() {}

    static ToolOutcome of(ToolOutcome outcome) {
        if (!outcome.kind().isError()) {
            return outcome;
        }
        String problem =
                switch (outcome.kind()) {
                    case UNKNOWN_TOOL -> "Tool %s not found.".formatted(outcome.call().name());
                    default ->
                            outcome.text().startsWith(START)
                                    ? outcome.text().substring(START.length())
                                    : outcome.text();
                };
        return new ToolOutcome(
                outcome.call(),
                outcome.kind(),
                Json.writeAsPython(Map.of("error", problem)),
                outcome.nanos());
    }
}
