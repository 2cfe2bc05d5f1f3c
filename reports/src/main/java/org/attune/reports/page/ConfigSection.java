package org.attune.reports.page;

import com.fasterxml.jackson.core.JsonProcessingException;

import org.attune.json.Json;
import org.attune.trainers.config.ResolvedConfig;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/// The configuration: first the keys that are not at their defaults, then all.
final class ConfigSection {

    private ConfigSection() {}

    /// @param defaultsOf a method's configuration, by its name
    static Section of(ReportedRun run, Function<String, Optional<Record>> defaultsOf) {
        var body = new Html();
        if (run.config().isEmpty()) {
            return new Section("config", "Configuration", body);
        }
        Map<String, Object> defaults =
                defaultsOf
                        .apply(run.method())
                        .map(config -> ReportedRun.fields(ResolvedConfig.yaml(config)))
                        .orElse(Map.of());
        Map<String, Object> own = new TreeMap<>(run.config());
        if (!defaults.isEmpty()) {
            own.entrySet().removeIf(e -> Objects.equals(defaults.get(e.getKey()), e.getValue()));
            body.table("Keys that are not at their defaults", "key", "value", "default");
            own.forEach((key, value) -> body.row(key, shown(value), shown(defaults.get(key))));
            body.endTable();
        }
        body.open("details").element("summary", "All keys");
        body.table("All keys", "key", "value");
        run.config().forEach((key, value) -> body.row(key, shown(value)));
        body.endTable().close("details");
        return new Section("config", "Configuration", body);
    }

    /// A value as a run's file may have it: lists and maps as JSON, which is YAML too.
    static String shown(Object value) {
        try {
            return switch (value) {
                case null -> "unset";
                case List<?> list -> Json.MAPPER.writeValueAsString(list);
                case Map<?, ?> map -> Json.MAPPER.writeValueAsString(map);
                default -> value.toString();
            };
        } catch (JsonProcessingException e) {
            return value.toString();
        }
    }
}
