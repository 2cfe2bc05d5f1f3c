package org.attune.trainers.samples;

import org.attune.datasets.ColumnUse;
import org.attune.datasets.formats.DatasetType;
import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.files.HubCache;
import org.attune.models.LoadedModel;
import org.attune.models.ModelSetup;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.source.EngineRollouts;
import org.attune.rollout.source.ServerRollouts;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.LikelyTokens;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.onpolicy.AskedPrompts;
import org.attune.trainers.onpolicy.CompletionText;
import org.attune.trainers.onpolicy.RewardWatch;
import org.attune.trainers.opening.RewardColumns;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRewards;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.prepare.PromptPreparation;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// Writes a data set. Works in blocks of prompts, each with its own draws; a block that was
/// interrupted is sampled again as a whole, so that the file comes out the same.
public final class SampleRun {
    private static final int LEAST_BLOCK = 64; // completions
    private static final int BLOCK_PER_SLOT = 4;

    private final SampleConfig config;
    private final List<PromptExample> prompts;
    private final CompletionText text;
    private final Optional<RunRewards> rewards;
    private final Progress progress;
    private final RewardWatch watch;

    /// Hears how a run goes on.
    public interface Progress {
        /// Before the first completion.
        ///
        /// @param before prompts that an earlier process completed
        /// @param all prompts
        void start(int before, int all);

        /// A completion has ended.
        void completed(SampledCompletion completion);

        /// A prompt's completions are judged and kept.
        void judged();
    }

    /// What came out.
    ///
    /// @param prompts that were completed
    /// @param completions of all
    /// @param without prompts of which no row came out
    /// @param rows that were written
    public record Result(int prompts, int completions, int without, int rows) {}

    private SampleRun(
            SampleConfig config,
            List<PromptExample> prompts,
            CompletionText text,
            Optional<RunRewards> rewards,
            Progress progress) {
        this.config = config;
        this.prompts = prompts;
        this.text = text;
        this.rewards = rewards;
        this.progress = progress;
        watch = new RewardWatch(config.rewards().onRewardFailure());
    }

    /// A whole run, on the engine thread. A stop request ends it; the same call goes on.
    ///
    /// @param directory where relative paths of rewards start
    /// @throws org.attune.error.AttuneException if configuration, model, data, server or rewards
    ///     fail; the message says what to do
    public static Result run(SampleConfig config, Path directory, HubCache hub, Progress progress) {
        ConfigCheck.validate(config);
        Path output = config.output().outputFile();
        Path samples = config.output().samples();
        if (Files.exists(output) && !Files.exists(samples)) {
            throw ConfigException.about(
                    "output_file",
                    "%s exists, and %s, from which it could be made again, does not; name another file"
                            .formatted(output, samples));
        }
        if (config.rewards().rewardFuncs().isEmpty()) {
            return run(config, directory, hub, Optional.empty(), progress);
        }
        try (var rewards = RunRewards.open(config, directory, hub)) {
            return run(config, directory, hub, Optional.of(rewards), progress);
        }
    }

    private static Result run(
            SampleConfig config,
            Path directory,
            HubCache hub,
            Optional<RunRewards> rewards,
            Progress progress) {
        try (var model = ModelSetup.open(config.model(), hub)) {
            RunRows<PromptExample> rows = prompts(config, directory, hub, model);
            rewards.ifPresent(judge -> judge.requireRows(rows));
            List<PromptExample> prompts = rows.train();
            SamplingConfig sampling =
                    RolloutSetup.sampling(
                                    config.sampling(),
                                    config.maxCompletionLength(),
                                    Optional.empty(),
                                    model,
                                    config.seed())
                            .withTopLogProbs(config.topLogprobs());
            var text = new CompletionText(model.text().tokenizer());
            var run = new SampleRun(config, prompts, text, rewards, progress);
            Map<String, String> settings = run.settings(model, sampling);
            Path samples = config.output().samples();
            try (var journal = SampleJournal.open(samples, settings, prompts.size())) {
                progress.start(journal.before(), prompts.size());
                if (journal.before() < prompts.size()) {
                    run.sample(model, hub, sampling, journal);
                }
                return run.write(journal);
            }
        }
    }

    /// The prompts that a run completes.
    ///
    /// @param directory where relative paths of rewards start
    /// @param model gives tokenizer and template; borrowed
    /// @throws org.attune.error.AttuneException if the data can't be used
    public static RunRows<PromptExample> prompts(
            SampleConfig config, Path directory, HubCache hub, ModelSetup model) {
        var setup = RowSetup.of(model, hub, Path.of(""));
        return setup.rows(
                config.data(),
                config.seed(),
                EnumSet.of(
                        DatasetType.PROMPT_ONLY,
                        DatasetType.PROMPT_COMPLETION,
                        DatasetType.PREFERENCE,
                        DatasetType.UNPAIRED_PREFERENCE),
                new PromptPreparation(
                        setup.tokenizer(),
                        config.source().maxPromptLength(),
                        config.data().onBadRow()),
                columns(config, directory));
    }

    private static ColumnUse columns(SampleConfig config, Path directory) {
        ColumnUse use = RewardColumns.use(config, directory);
        if (use instanceof ColumnUse.PromptsAndRewards(Set<String> read)) {
            Set<String> all = new HashSet<>(read);
            all.addAll(config.output().keepColumns());
            return new ColumnUse.PromptsAndRewards(all);
        }
        return use;
    }

    /// All that completions and rewards depend on.
    private Map<String, String> settings(ModelSetup model, SamplingConfig sampling) {
        Map<String, String> settings = new TreeMap<>();
        settings.put("model (fingerprint)", model.fingerprint());
        settings.put("dtype", model.dtype().toString());
        settings.put("device", model.device().toString());
        settings.put(
                "server",
                config.source().asksServers()
                        ? String.join(", ", config.source().rolloutServerBaseUrl())
                        : "none");
        settings.put("server's model", config.source().rolloutServerModel().orElse("none"));
        settings.put("prompts", String.valueOf(prompts.size()));
        settings.put("prompts (hash)", Fingerprints.ofPrompts(prompts));
        settings.put("num_generations", String.valueOf(config.numGenerations()));
        settings.put("generation_slots", String.valueOf(config.sampling().generationSlots()));
        settings.put("distribution", sampling.distribution().toString());
        settings.put("max_completion_length", String.valueOf(sampling.maxNewTokens()));
        settings.put("min_new_tokens", String.valueOf(sampling.minNewTokens()));
        settings.put("stop_ids", sampling.stopIds().stream().sorted().toList().toString());
        settings.put("stop_strings", sampling.stopStrings().toString());
        if (config.topLogprobs() > 0) { // what files without them don't say
            settings.put("top_logprobs", String.valueOf(config.topLogprobs()));
        }
        settings.put("seed", String.valueOf(sampling.seed()));
        settings.put("reward_funcs", config.rewards().rewardFuncs().toString());
        settings.put("reward_weights", config.rewards().rewardWeights().toString());
        rewards.ifPresent(judge -> settings.putAll(judge.identity()));
        return settings;
    }

    private void sample(
            ModelSetup model, HubCache hub, SamplingConfig sampling, SampleJournal journal) {
        if (config.source().asksServers()) {
            var connection =
                    RolloutSetup.connection(config.source(), config.model().modelNameOrPath());
            sample(new ServerRollouts(connection, sampling, model.text().tokenizer()), journal);
            return;
        }
        try (var loaded = LoadedModel.openToGenerate(ModelSetup.open(config.model(), hub))) {
            var generator =
                    new Generator(
                            loaded.decoder(),
                            loaded.adapterInUse(),
                            Optional.of(model.text().tokenizer()),
                            config.sampling().generationSlots());
            sample(new EngineRollouts(generator, generator, sampling, sampling), journal);
        }
    }

    private void sample(RolloutSource source, SampleJournal journal) {
        int generations = config.numGenerations();
        int completions =
                Math.max(LEAST_BLOCK, BLOCK_PER_SLOT * config.sampling().generationSlots());
        int size = Math.ceilDiv(completions, generations); // prompts of a block
        for (int block = journal.before() / size; block * size < prompts.size(); block++) {
            StopRequest.check();
            int from = block * size;
            int[] indices = IntStream.range(from, Math.min(prompts.size(), from + size)).toArray();
            List<List<ScoredCompletion>> scored = scored(source, indices, block);
            for (int i = 0; i < indices.length; i++) {
                if (from + i >= journal.before()) { // else it was written before
                    journal.append(scored.get(i));
                    progress.judged();
                }
            }
        }
    }

    /// The completions of each prompt of a block.
    private List<List<ScoredCompletion>> scored(RolloutSource source, int[] indices, long block) {
        int generations = config.numGenerations();
        AskedPrompts asked = AskedPrompts.of(indices, prompts, generations);
        source.beginRound(block);
        List<SampledCompletion> sampled =
                source.complete(
                        asked.prompts(), block, (_, completion) -> progress.completed(completion));
        List<Prompt> begun = new ArrayList<>();
        List<Completion> completions = new ArrayList<>();
        for (int i = 0; i < sampled.size(); i++) {
            PromptExample row = asked.rows().get(i);
            begun.add(text.prompt(row, sampled.get(i)));
            completions.add(text.completion(row, sampled.get(i)));
        }
        RewardTable table = judged(asked.rows(), begun, completions);
        List<List<ScoredCompletion>> scored = new ArrayList<>();
        for (int p = 0; p < indices.length; p++) {
            List<ScoredCompletion> own = new ArrayList<>();
            for (int i = p * generations; i < (p + 1) * generations; i++) {
                own.add(scored(completions.get(i), sampled.get(i), table, i));
            }
            scored.add(own);
        }
        return scored;
    }

    private static ScoredCompletion scored(
            Completion completion, SampledCompletion sampled, RewardTable table, int i) {
        Map<String, Double> own = new LinkedHashMap<>();
        for (int f = 0; f < table.names().size(); f++) {
            own.put(table.names().get(f), table.values()[i][f]);
        }
        return new ScoredCompletion(
                completion.text(),
                sampled.reason().finishReason(),
                sampled.ids().length,
                own,
                table.total(i),
                sampled.top().isEmpty() ? Optional.empty() : Optional.of(LikelyTokens.of(sampled)));
    }

    private RewardTable judged(
            List<PromptExample> repeated, List<Prompt> begun, List<Completion> completions) {
        if (rewards.isEmpty()) {
            double[][] none = new double[completions.size()][0];
            return RewardTable.of(List.of(), new double[0], none);
        }
        RewardTable table =
                rewards.get().score(new RewardBatch(begun, completions, columns(repeated)));
        watch.check(table);
        return table;
    }

    private static Map<String, List<Object>> columns(List<PromptExample> repeated) {
        Set<String> names = new LinkedHashSet<>();
        repeated.forEach(prompt -> names.addAll(prompt.columns().keySet()));
        Map<String, List<Object>> columns = new LinkedHashMap<>();
        for (String name : names) {
            List<Object> values = new ArrayList<>();
            repeated.forEach(prompt -> values.add(prompt.columns().get(name)));
            columns.put(name, values);
        }
        return columns;
    }

    private Result write(SampleJournal journal) {
        var choice = new SampleChoice(config.output());
        var form = new SampleRows(config.output());
        List<Map<String, Object>> rows = new ArrayList<>();
        int[] without = {0};
        journal.read(
                (completions, prompt) -> {
                    List<SampleChoice.Chosen> chosen = choice.of(completions);
                    without[0] += chosen.isEmpty() ? 1 : 0;
                    chosen.forEach(one -> rows.add(form.row(prompts.get(prompt), one)));
                });
        if (rows.isEmpty()) {
            throw new ConfigException(
                    "no completion was kept of %d prompts with %d each; %s. They are in %s"
                            .formatted(
                                    prompts.size(),
                                    config.numGenerations(),
                                    "lower reward_threshold or reward_margin, raise"
                                            + " num_generations or max_completion_length, or set"
                                            + " drop_truncated: false",
                                    config.output().samples()));
        }
        form.write(rows, config.output().outputFile());
        return new Result(
                prompts.size(), prompts.size() * config.numGenerations(), without[0], rows.size());
    }
}
