package org.attune.cli.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.cli.config.ResolvedConfig;
import org.attune.trainers.run.Methods;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/// The configuration: first the keys that are not at their defaults, then all.
final class ConfigSection {
    private static final ObjectMapper JSON = new ObjectMapper();

    private ConfigSection() {}

    static Section of(ReportedRun run) {
        var body = new Html();
        if (run.config().isEmpty()) {
            return new Section("config", "Configuration", body);
        }
        Map<String, Object> defaults =
                Methods.named(run.method())
                        .map(method -> ReportedRun.fields(ResolvedConfig.yaml(method.defaults())))
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

    /// As a run's file may have it: lists and maps as JSON, which is YAML too.
    static String shown(Object value) {
        try {
            return switch (value) {
                case null -> "unset";
                case List<?> list -> JSON.writeValueAsString(list);
                case Map<?, ?> map -> JSON.writeValueAsString(map);
                default -> value.toString();
            };
        } catch (JsonProcessingException e) {
            return value.toString();
        }
    }
}
