package org.attune.trainers.report;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.trainers.config.ResolvedConfig;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// What ranks of a run must have alike before they read anything: the program, and the settings as
/// they were understood.
@Api(EXPERIMENTAL)
public final class RankFacts {
    /// Settings that may differ between machines, and one that nobody else is to read.
    private static final Set<String> OWN = Set.of("device", "hub_token");

    private RankFacts() {}

    /// Facts by name; settings each by its key.
    public static Map<String, String> of(Record config) {
        Map<String, String> facts = new LinkedHashMap<>();
        Versions.all()
                .forEach((name, version) -> facts.put("version of " + name, version.toString()));
        facts.put("version of Java", System.getProperty("java.version"));
        ResolvedConfig.flat(config)
                .forEach(
                        (key, value) -> {
                            if (!OWN.contains(key)) {
                                facts.put(key, String.valueOf(value));
                            }
                        });
        return facts;
    }
}
