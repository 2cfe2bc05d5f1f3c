package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.ResolvedConfig;
import org.attune.hub.HubSettings;
import org.attune.trainers.config.DatasetSpec;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.report.HubPush;
import org.attune.trainers.report.ModelCard;
import org.attune.trainers.run.Methods;

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
    /// @param name of the command, which is the method's
    static ResultUpload of(LoadedRun<?> loaded, RunConfig config, String name) {
        if (!config.training().hub().pushToHub()) {
            return new ResultUpload(Optional.empty());
        }
        TrainingMethod<?, ?> method = Methods.named(name).orElseThrow();
        var card =
                new ModelCard(
                        method.name(),
                        method.summary(),
                        config.model().modelNameOrPath(),
                        config.data().datasets().stream().map(DatasetSpec::path).toList(),
                        changes(
                                ResolvedConfig.flat(method.defaults()),
                                ResolvedConfig.flat(loaded.config())),
                        VersionCommand.versions().getProperty("attune"));
        return new ResultUpload(
                Optional.of(
                        new HubPush(
                                config.training().hub(),
                                HubSettings.of(
                                        loaded.environment().all(),
                                        Path.of(System.getProperty("user.home"))),
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

    /// Says where the result is now.
    ///
    /// @return the exit code
    int tell(RunSummary summary, RunScreen screen) {
        if (summary.interrupted()) {
            return ExitCodes.INTERRUPTED;
        }
        if (listener.isEmpty()) {
            return ExitCodes.DONE;
        }
        HubPush push = listener.get();
        push.address().ifPresent(address -> screen.line("uploaded: " + address));
        push.failure()
                .ifPresent(
                        why ->
                                screen.line(
                                        "the result is there, but was not uploaded: %s; to try again: attune upload %s %s"
                                                .formatted(why, push.folder(), push.target())));
        return push.failure().isPresent() ? ExitCodes.FAILED : ExitCodes.DONE;
    }

    @Override
    public void close() {
        listener.ifPresent(HubPush::close);
    }
}
