package org.attune.trainers.onpolicy;

import jakarta.validation.constraints.Positive;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Which prompts a run completes, where the completions come from, if not from the policy in this
/// process, and where they are kept.
///
/// @param maxPromptLength prompts of more tokens are left out; empty: none are
/// @param recordedRollouts file of completions to learn from
/// @param recordRollouts file that takes the run's completions, to be replayed
/// @param rolloutServerBaseUrl OpenAI-compatible servers that complete the prompts, up to `/v1`
/// @param rolloutServerAdapterDir folder that the servers see under the same path: before each
///     round the adapter is written into it, and they load it; unset: they keep their own weights
/// @param rolloutServerModel the model's name there; unset: `model_name_or_path`. With
///     `rollout_server_adapter_dir` the beginning of adapters' names; unset: the name of the
///     folder `output_dir`
/// @param rolloutServerTimeout seconds that the server may take for one completion
/// @param rolloutServerConcurrency completions that a server is asked for at once
@CopyMethods
public record RolloutSourceConfig(
        @InRange(min = 1) OptionalInt maxPromptLength,
        Optional<Path> recordedRollouts,
        Optional<Path> recordRollouts,
        List<String> rolloutServerBaseUrl,
        Optional<Path> rolloutServerAdapterDir,
        Optional<String> rolloutServerModel,
        @InRange(min = 0, minOpen = true) double rolloutServerTimeout,
        @Positive(message = "a whole number >= 1") int rolloutServerConcurrency)
        implements RolloutSourceConfigCopies, CrossChecked {
    public RolloutSourceConfig {
        rolloutServerBaseUrl = List.copyOf(rolloutServerBaseUrl);
    }

    /// The defaults, as listed at the parameters.
    public static RolloutSourceConfig defaults() {
        return RolloutSourceConfigCopies.blank()
                .withRolloutServerTimeout(240)
                .withRolloutServerConcurrency(16);
    }

    /// Whether training's completions come from elsewhere than the policy in this process.
    public boolean isElsewhere() {
        return recordedRollouts.isPresent() || asksServers();
    }

    /// Whether servers complete training's prompts.
    public boolean asksServers() {
        return !rolloutServerBaseUrl.isEmpty();
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        List<ConfigProblem> problems = new ArrayList<>();
        if (recordedRollouts.isPresent() && asksServers()) {
            problems.add(
                    new ConfigProblem(
                            "rollout_server_base_url",
                            rolloutServerBaseUrl,
                            "nothing beside recorded_rollouts: completions have one source"));
        }
        if (recordedRollouts.isPresent() && recordRollouts.equals(recordedRollouts)) {
            problems.add(
                    new ConfigProblem(
                            "record_rollouts",
                            recordRollouts.get(),
                            "another file than recorded_rollouts"));
        }
        problems.addAll(serverProblems());
        return problems;
    }

    private List<ConfigProblem> serverProblems() {
        List<ConfigProblem> problems = new ArrayList<>();
        if (!asksServers()) {
            rolloutServerModel.ifPresent(
                    name ->
                            problems.add(
                                    new ConfigProblem(
                                            "rollout_server_model",
                                            name,
                                            "a name only together with rollout_server_base_url")));
            rolloutServerAdapterDir.ifPresent(
                    folder ->
                            problems.add(
                                    new ConfigProblem(
                                            "rollout_server_adapter_dir",
                                            folder,
                                            "a folder only together with"
                                                    + " rollout_server_base_url")));
        }
        for (String url : rolloutServerBaseUrl) {
            if (!isServer(url)) {
                problems.add(
                        new ConfigProblem(
                                "rollout_server_base_url",
                                url,
                                "addresses such as http://localhost:8000/v1"));
            }
        }
        if (rolloutServerBaseUrl.stream().distinct().count() < rolloutServerBaseUrl.size()) {
            problems.add(
                    new ConfigProblem(
                            "rollout_server_base_url",
                            rolloutServerBaseUrl,
                            "each server once; rollout_server_concurrency says how much it is"
                                    + " asked for at once"));
        }
        return problems;
    }

    private static boolean isServer(String url) {
        try {
            var uri = new URI(url);
            return List.of("http", "https").contains(String.valueOf(uri.getScheme()))
                    && uri.getHost() != null
                    && uri.getQuery() == null;
        } catch (URISyntaxException e) {
            return false;
        }
    }
}
