package org.attune.trainers.run;

import org.attune.hub.HubSettings;
import org.attune.trainers.config.DatasetSpec;
import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.report.HubPush;
import org.attune.trainers.report.ModelCard;
import org.attune.trainers.report.Versions;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/// The upload of a run's result, if the run asks for one.
///
/// @param listener that uploads
record ResultUpload(Optional<HubPush> listener) implements AutoCloseable {
    /// @param environment variables, by which the Hub is found
    static <C extends Record & RunConfig> ResultUpload of(
            TrainingMethod<C, ?> method, C config, Map<String, String> environment) {
        if (!config.training().hub().pushToHub()) {
            return new ResultUpload(Optional.empty());
        }
        var card =
                new ModelCard(
                        method.name(),
                        method.summary(),
                        config.model().modelNameOrPath(),
                        config.data().datasets().stream().map(DatasetSpec::path).toList(),
                        changes(
                                ResolvedConfig.flat(method.defaults()),
                                ResolvedConfig.flat(config)),
                        Versions.attune());
        return new ResultUpload(
                Optional.of(
                        new HubPush(
                                config.training().hub(),
                                HubSettings.of(
                                        environment, Path.of(System.getProperty("user.home"))),
                                config.training().save().outputDir(),
                                card)));
    }

    /// Numbers, words and lists of words that are not the defaults. Texts that may be paths of this
    /// machine, or programs, are left out.
    static Map<String, String> changes(Map<String, Object> defaults, Map<String, Object> own) {
        Map<String, String> changes = new TreeMap<>();
        own.forEach(
                (key, value) -> {
                    boolean other = !Objects.equals(value, defaults.get(key));
                    if (other && value != null && isPlain(value) && !isAboutFiles(key)) {
                        changes.put(key, value.toString());
                    }
                });
        return changes;
    }

    private static boolean isAboutFiles(String key) {
        return key.startsWith("hub_")
                || key.equals("push_to_hub")
                || key.equals("resume")
                || key.matches(".*(_dir|_path|_file|_url|datasets|_rollouts)");
    }

    private static boolean isPlain(Object value) {
        return switch (value) {
            case Number _, Boolean _ -> true;
            case String text -> !text.contains("/") && !text.contains("\\") && text.length() < 200;
            case List<?> list -> list.stream().allMatch(ResultUpload::isPlain);
            default -> false;
        };
    }

    @Override
    public void close() {
        listener.ifPresent(HubPush::close);
    }
}
