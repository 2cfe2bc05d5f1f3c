package org.attune.trainers.report;

import org.attune.error.ConfigException;
import org.attune.program.Providers;
import org.attune.trainers.config.ConfigProblem;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The reporters on the class path, and what `report_to` may name.
public final class RunReporters {
    private static final String KEY = "report_to";
    private static final String NONE = "none";

    /// Reporters of the module `attune-reports`.
    private static final List<String> MODULE = List.of("tensorboard", "wandb", "mlflow", "trackio");

    private RunReporters() {}

    /// Reporters by name, in the order of the class path.
    ///
    /// @throws ConfigException if two have the same name
    static Map<String, RunReporter> all() {
        Map<String, RunReporter> all = new LinkedHashMap<>();
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        for (RunReporter reporter : Providers.found(RunReporter.class, loader)) {
            RunReporter same = all.put(reporter.name(), reporter);
            if (same != null) {
                throw ConfigException.about(
                        KEY,
                        "%s and %s are both called %s; leave one of them out of the class path"
                                .formatted(
                                        same.getClass().getName(),
                                        reporter.getClass().getName(),
                                        reporter.name()));
            }
        }
        return all;
    }

    /// What `report_to` may name.
    public static List<String> names() {
        List<String> names = new ArrayList<>(List.of(NONE));
        all().values().stream().filter(r -> !r.always()).map(RunReporter::name).forEach(names::add);
        return names;
    }

    /// Environment variables that they read.
    public static List<String> variables() {
        return all().values().stream().flatMap(r -> r.variables().stream()).toList();
    }

    /// The names that no reporter has.
    public static List<ConfigProblem> problems(List<String> reportTo) {
        List<String> names = names();
        String accepted = String.join(", ", names);
        return reportTo.stream()
                .filter(name -> !names.contains(name))
                .map(name -> new ConfigProblem(KEY, name, accepted + "; " + remedy(name)))
                .toList();
    }

    private static String remedy(String name) {
        return MODULE.contains(name)
                ? name + " is in the module attune-reports, which is not on the class path"
                : "a tracker is a provider of %s on the class path (docs/sharing.md)"
                        .formatted(RunReporter.class.getName());
    }
}
