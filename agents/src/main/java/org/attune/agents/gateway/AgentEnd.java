package org.attune.agents.gateway;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;

/// What an agent's program said at its end.
///
/// @param reward that its last line of output gives: a number, or `{"reward": 0.5}`
/// @param state other fields of that line
public record AgentEnd(OptionalDouble reward, Map<String, Object> state) {
    private static final String REWARD = "reward";

    /// @param line its last one, empty if it printed none. A line that is neither number nor
    ///     object says nothing
    static AgentEnd of(String line) {
        Object value;
        try {
            value = line.isBlank() ? null : Json.parse(line.strip());
        } catch (JsonException e) {
            return new AgentEnd(OptionalDouble.empty(), Map.of());
        }
        return switch (value) {
            case Number number -> new AgentEnd(finite(number), Map.of());
            case Map<?, ?> map -> {
                var state = new LinkedHashMap<String, Object>();
                map.forEach((key, field) -> state.put(String.valueOf(key), field));
                yield new AgentEnd(finite(state.remove(REWARD)), state);
            }
            case null, default -> new AgentEnd(OptionalDouble.empty(), Map.of());
        };
    }

    private static OptionalDouble finite(Object value) {
        return value instanceof Number number && Double.isFinite(number.doubleValue())
                ? OptionalDouble.of(number.doubleValue())
                : OptionalDouble.empty();
    }
}
