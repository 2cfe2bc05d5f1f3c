package org.attune.trainers.run;

import org.apache.commons.rng.sampling.ListSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.ColumnUse;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.LoadedDataset;
import org.attune.datasets.UnusedColumns;
import org.attune.datasets.examples.PackedRow;
import org.attune.datasets.examples.PreferenceExample;
import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.examples.RewardExample;
import org.attune.datasets.examples.StepwiseExample;
import org.attune.datasets.examples.UnpairedExample;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.prepare.BcoPreparation;
import org.attune.datasets.prepare.PackingStrategy;
import org.attune.datasets.prepare.PlainPrompts;
import org.attune.datasets.prepare.PreferenceOptions;
import org.attune.datasets.prepare.PreferencePreparation;
import org.attune.datasets.prepare.Prepared;
import org.attune.datasets.prepare.PromptPreparation;
import org.attune.datasets.prepare.RewardPreparation;
import org.attune.datasets.prepare.SampleTokenizer;
import org.attune.datasets.prepare.SftOptions;
import org.attune.datasets.prepare.SftPreparation;
import org.attune.datasets.prepare.StepwiseOptions;
import org.attune.datasets.prepare.StepwisePreparation;
import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.text.TextAssets;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.DatasetSpec;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.scoring.PrmConfig;
import org.attune.trainers.scoring.RewardTrainerConfig;
import org.attune.trainers.scoring.StepwiseConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.unpaired.BcoConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/// Reads and prepares a run's rows: training rows, and held-out rows from `eval_datasets` or set
/// aside by `test_split_size`.
public final class RowSetup {
    private static final Logger LOG = LoggerFactory.getLogger(RowSetup.class);

    private static final Set<DatasetType> SFT_TYPES =
            EnumSet.of(DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION);
    private static final Set<DatasetType> PROMPT_TYPES =
            EnumSet.of(
                    DatasetType.PROMPT_ONLY, DatasetType.PROMPT_COMPLETION, DatasetType.PREFERENCE);
    private static final Set<DatasetType> PREFERENCE_TYPES = EnumSet.of(DatasetType.PREFERENCE);
    private static final Set<DatasetType> LABELLED_TYPES =
            EnumSet.of(DatasetType.UNPAIRED_PREFERENCE, DatasetType.PREFERENCE);
    private static final Set<DatasetType> STEPWISE_TYPES =
            EnumSet.of(DatasetType.STEPWISE_SUPERVISION);

    private final SampleTokenizer tokenizer;
    private final boolean chat;
    private final HubCache hub;
    private final int threads = Runtime.getRuntime().availableProcessors();

    /// @param text tokenizer and chat template; borrowed
    /// @param hub where names of data sets are looked up
    public RowSetup(TextAssets text, HubCache hub) {
        this.tokenizer = new SampleTokenizer(text.tokenizer(), text.template());
        this.chat = text.template().isPresent();
        this.hub = hub;
    }

    /// The type of a run's rows, from the first one.
    ///
    /// @throws org.attune.error.DatasetException if that can't be read
    public static DatasetType typeOf(DataConfig data, HubCache hub) {
        var loader = new DatasetLoader(Path.of("").toAbsolutePath(), hub, data.onBadRow());
        return loader.typeOf(data.datasets().getFirst().source());
    }

    /// Rows for SFT.
    ///
    /// @throws org.attune.error.DatasetException naming file and line of what cannot be used
    public RunRows<PackedRow> sft(SftConfig config) {
        String textField = config.rows().datasetTextField();
        Split split = split(config.data(), config.training(), SFT_TYPES, textField);
        boolean packing = config.rows().packing();
        return rows(
                split,
                samples -> preparation(config, packing).prepare(samples, threads),
                samples ->
                        preparation(config, config.rows().evalPacking().orElse(packing))
                                .prepare(samples, threads));
    }

    private SftPreparation preparation(SftConfig config, boolean packing) {
        Optional<PackingStrategy> strategy =
                packing ? Optional.of(config.rows().packingStrategy()) : Optional.empty();
        var options =
                new SftOptions(
                        config.length().maxLength(),
                        config.length().truncationMode(),
                        config.loss().completionOnlyLoss(),
                        config.loss().assistantOnlyLoss(),
                        strategy);
        return new SftPreparation(tokenizer, options, config.data().onBadRow());
    }

    /// Pairs for DPO.
    ///
    /// @throws org.attune.error.DatasetException naming file and line of what cannot be used
    public RunRows<PreferenceExample> dpo(DpoConfig config) {
        var options =
                new PreferenceOptions(
                        config.length().maxLength(), config.length().truncationMode());
        var preparation = new PreferencePreparation(tokenizer, options, config.data().onBadRow());
        Split split = split(config.data(), config.training(), PREFERENCE_TYPES, "text");
        return rows(
                split,
                samples -> preparation.prepare(samples, threads),
                samples -> preparation.prepare(samples, threads));
    }

    /// Labelled completions for BCO; preference pairs become two each.
    ///
    /// @throws org.attune.error.DatasetException naming file and line of what cannot be used
    public RunRows<UnpairedExample> bco(BcoConfig config) {
        var preparation =
                new BcoPreparation(tokenizer, config.loss().maxLength(), config.data().onBadRow());
        Split split = split(config.data(), config.training(), LABELLED_TYPES, "text");
        return rows(
                split,
                samples -> preparation.prepare(samples, threads),
                samples -> preparation.prepare(samples, threads));
    }

    /// Pairs for reward models.
    ///
    /// @throws org.attune.error.DatasetException naming file and line of what cannot be used
    public RunRows<RewardExample> reward(RewardTrainerConfig config) {
        var preparation =
                new RewardPreparation(
                        tokenizer, config.loss().maxLength(), config.data().onBadRow());
        Split split = split(config.data(), config.training(), PREFERENCE_TYPES, "text");
        return rows(
                split,
                samples -> preparation.prepare(samples, threads),
                samples -> preparation.prepare(samples, threads));
    }

    /// Judged solutions for process reward models.
    ///
    /// @throws org.attune.error.DatasetException naming file and line of what cannot be used
    public RunRows<StepwiseExample> prm(PrmConfig config) {
        if (config.data().applyChatTemplate()) {
            throw new ConfigException(
                    "apply_chat_template: true is not for prm, whose steps are texts; give prompts"
                            + " as messages, or leave the key out");
        }
        StepwiseConfig steps = config.steps();
        var options =
                new StepwiseOptions(
                        steps.stepSeparator(),
                        steps.trainOnLastStepOnly(),
                        steps.maxLength(),
                        steps.maxCompletionLength());
        BadRowPolicy onBadRow = config.data().onBadRow();
        var train = new StepwisePreparation(tokenizer, options, onBadRow);
        var eval = new StepwisePreparation(tokenizer, options.ofAllSteps(), onBadRow);
        Split split = split(config.data(), config.training(), STEPWISE_TYPES, "text");
        return rows(
                split,
                samples -> train.prepare(samples, threads),
                samples -> eval.prepare(samples, threads));
    }

    /// Prompts for trainers that generate.
    ///
    /// @throws org.attune.error.DatasetException naming file and line of what cannot be used
    public RunRows<PromptExample> prompts(RolloutRun config) {
        var preparation =
                new PromptPreparation(
                        tokenizer, config.rollouts().maxPromptLength(), config.data().onBadRow());
        Split split =
                split(
                        config.data(),
                        config.training(),
                        PROMPT_TYPES,
                        "text",
                        RewardColumns.use(config, Path.of("")));
        return rows(
                split,
                samples -> preparation.prepare(samples, threads),
                samples -> preparation.prepare(samples, threads));
    }

    private static <T> RunRows<T> rows(
            Split split,
            Function<List<Sample>, Prepared<T>> train,
            Function<List<Sample>, Prepared<T>> eval) {
        Prepared<T> prepared = train.apply(split.train());
        LOG.info("training rows: {}", prepared.report().summary());
        List<EvalSet<T>> sets = new ArrayList<>();
        if (!split.eval().isEmpty()) {
            Prepared<T> heldOut = eval.apply(split.eval());
            LOG.info("held-out rows: {}", heldOut.report().summary());
            sets.add(new EvalSet<>("", heldOut.rows()));
        }
        return new RunRows<>(prepared.rows(), sets, prepared.report());
    }

    private record Split(List<Sample> train, List<Sample> eval) {}

    private Split split(
            DataConfig data, TrainingConfig training, Set<DatasetType> types, String textField) {
        return split(data, training, types, textField, new ColumnUse.RowsOnly());
    }

    private Split split(
            DataConfig data,
            TrainingConfig training,
            Set<DatasetType> types,
            String textField,
            ColumnUse columns) {
        boolean ignored = data.unusedColumns() == UnusedColumns.IGNORE;
        var loader =
                new DatasetLoader(
                        Path.of("").toAbsolutePath(),
                        hub,
                        data.onBadRow(),
                        ignored ? new ColumnUse.Ignored() : columns);
        long seed = training.dataSeed().orElse(training.seed());
        LoadedDataset loaded = loader.load(sources(data.datasets(), textField), types);
        List<Sample> train = loaded.samples();
        List<Sample> eval = List.of();
        if (!data.evalDatasets().isEmpty()) {
            eval = loader.load(sources(data.evalDatasets(), textField), types).samples();
        } else if (data.testSplitSize().isPresent()) {
            LoadedDataset.Holdout parts =
                    loaded.holdOut(data.testSplitSize().getAsDouble(), training.seed());
            train = parts.train();
            eval = parts.test();
        }
        if (data.shuffleDataset()) {
            List<Sample> shuffled = new ArrayList<>(train);
            ListSampler.shuffle(RandomSource.XO_SHI_RO_256_PP.create(seed), shuffled);
            train = shuffled;
        }
        return inTemplate(new Split(train, eval), data.applyChatTemplate());
    }

    /// Prompts of plain text are used as they stand, as in TRL, unless asked for otherwise; with a
    /// chat model that is seldom meant, so it is said.
    private Split inTemplate(Split split, boolean apply) {
        long plain = PlainPrompts.count(split.train()) + PlainPrompts.count(split.eval());
        if (plain == 0) {
            return split;
        }
        if (apply && !chat) {
            throw new ConfigException(
                    "apply_chat_template: the model has no chat template; give one with"
                            + " chat_template_path, or leave the key out");
        }
        if (apply) {
            return new Split(
                    split.train().stream().map(PlainPrompts::asMessages).toList(),
                    split.eval().stream().map(PlainPrompts::asMessages).toList());
        }
        if (chat) {
            LOG.info(
                    "{} prompts are plain text and are used as they stand, without the chat"
                        + " template that attune chat uses; apply_chat_template: true makes them a"
                        + " user's messages",
                    plain);
        }
        return split;
    }

    private static List<DatasetSource> sources(List<DatasetSpec> specs, String textField) {
        return specs.stream().map(spec -> source(spec, textField)).toList();
    }

    /// `dataset_text_field` is a rename like those in `columns`.
    private static DatasetSource source(DatasetSpec spec, String textField) {
        DatasetSource source = spec.source();
        if (textField.equals("text") || source.columns().containsKey(textField)) {
            return source;
        }
        Map<String, String> columns = new LinkedHashMap<>(source.columns());
        columns.put(textField, "text");
        return new DatasetSource(
                source.path(), source.name(), source.type(), source.split(), columns);
    }
}
