package org.attune.trainers.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.adapter.AdapterFolder;
import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.files.HubCache;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.VisionConfig;
import org.attune.model.layer.Decoder;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.tensor.DType;
import org.attune.testing.Devices;
import org.attune.testing.Recorded;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LengthConfig;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.RefSyncConfig;
import org.attune.trainers.config.ReferenceConfig;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.distillation.GkdConfig;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.RewardExample;
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.preference.DpoLossType;
import org.attune.trainers.preference.FDivergence;
import org.attune.trainers.prepare.CompletionPreparation;
import org.attune.trainers.prepare.PackingStrategy;
import org.attune.trainers.prepare.PreferenceOptions;
import org.attune.trainers.prepare.PreferencePreparation;
import org.attune.trainers.prepare.PromptPreparation;
import org.attune.trainers.prepare.RewardPreparation;
import org.attune.trainers.prepare.RowPreparation;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.prepare.SftOptions;
import org.attune.trainers.prepare.SftPreparation;
import org.attune.trainers.prepare.StepwiseOptions;
import org.attune.trainers.prepare.StepwisePreparation;
import org.attune.trainers.prepare.TruncationMode;
import org.attune.trainers.referencefree.AnswerPairConfig;
import org.attune.trainers.referencefree.CpoConfig;
import org.attune.trainers.referencefree.CpoLossType;
import org.attune.trainers.referencefree.CpoMethod;
import org.attune.trainers.referencefree.OrpoConfig;
import org.attune.trainers.referencefree.OrpoMethod;
import org.attune.trainers.referencefree.TpoConfig;
import org.attune.trainers.referencefree.TpoLossType;
import org.attune.trainers.referencefree.TpoMethod;
import org.attune.trainers.scoring.PrmConfig;
import org.attune.trainers.scoring.RewardTrainerConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftLossType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;

/// A recorded run of TRL: its configuration as ours, its model, adapter, rows and reference.
///
/// @param root `trl/` of the fixtures
/// @param tokenizer of `root/model`, borrowed
/// @param folder the case
/// @param config `config.json`
/// @param output where our run may write
public record ParityCase(
        Path root, SampleTokenizer tokenizer, Path folder, JsonNode config, Path output) {
    private static final Set<DatasetType> DOCUMENTS =
            Set.of(DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION);

    /// What recorded configurations say and our runs always do like this.
    private static final Map<String, String> FIXED =
            Map.of(
                    "format", "1",
                    "optim", "adamw_torch",
                    "pad_to_multiple_of", "null",
                    "padding_value", "null",
                    "cast_lm_head_to_fp32", "false",
                    "stop_token_id", "null");

    public static ParityCase of(Path root, SampleTokenizer tokenizer, Path folder, Path output) {
        return new ParityCase(
                root, tokenizer, folder, Recorded.json(folder.resolve("config.json")), output);
    }

    public String trainer() {
        return config.get("trainer").asText();
    }

    /// What our runs can't do of this case; empty if they can do all. A recording of another form
    /// is none of ours either.
    public Optional<String> unsupported() {
        return FIXED.entrySet().stream()
                .filter(setting -> config.has(setting.getKey()))
                .filter(s -> !config.get(s.getKey()).asText().equals(s.getValue()))
                .map(s -> s.getKey() + " " + config.get(s.getKey()))
                .findFirst();
    }

    /// Where the starting adapter is, unless the whole model is trained.
    public Optional<Path> adapter() {
        JsonNode name = config.path("adapter");
        if (!name.isTextual()) {
            return Optional.empty();
        }
        Path own = folder.resolve(name.asText());
        return Optional.of(Files.exists(own) ? own : root.resolve(name.asText()));
    }

    /// The folder of a model that the configuration names, or of the run's own where it doesn't:
    /// beside the run, or in the root.
    public Path path(String key) {
        String name = config.path(key).asText(config.get("model").asText());
        Path beside = folder.resolveSibling(name);
        return Files.exists(beside) ? beside : root.resolve(name);
    }

    public Decoder model(String key) {
        Path path = path(key);
        try (var file = SafeTensorsFile.open(path)) {
            return Decoder.load(DecoderConfig.read(path), file, Devices.usual(), DType.FLOAT32);
        }
    }

    public Policy policy(Decoder decoder) {
        return adapter()
                .map(a -> Policy.withAdapter(decoder, AdapterFolder.open(a), options()))
                .orElseGet(() -> Policy.withWeights(decoder, this::trains, options(), false));
    }

    private Optional<VisionConfig.Names> names() {
        return DecoderConfig.read(path("model")).vision().map(VisionConfig::names);
    }

    private boolean trains(String module) {
        String weight = names().map(n -> n.inFile(module)).orElse(module);
        var unchanged = config.path("unchanged_tensors").valueStream();
        return unchanged.noneMatch(name -> weight.equals(name.asText()));
    }

    private static Policy.Options options() {
        return Policy.Options.defaults();
    }

    public boolean hasSeparateReference() {
        return config.path("reference").asText().equals("separate-model");
    }

    /// A reference that shares the policy's weights.
    public Scorer sharedReference(Policy policy) {
        return switch (config.get("reference").asText()) {
            case "adapter-off" -> policy.adapterOff();
            case "copy-of-start-adapter" -> policy.frozenAdapter();
            default -> throw new AssertionError("reference " + config.get("reference"));
        };
    }

    /// Has something done with a reference that is a separate model.
    public void withSeparateReference(Policy policy, Consumer<Scorer> use) {
        try (var separate = model("reference_model")) {
            if (!sync().syncRefModel()) {
                use.accept(Policy.reference(separate));
                return;
            }
            boolean same =
                    !config.has("reference_model")
                            || config.get("reference_model").equals(config.get("model"));
            try (var moving =
                    policy.movingModel(separate, same ? Scorer.Start.SAME : Scorer.Start.OTHER)) {
                use.accept(moving);
            }
        }
    }

    /// When the reference follows the policy.
    public RefSyncConfig sync() {
        RefSyncConfig sync = RefSyncConfig.defaults();
        return config.path("sync_ref_model").asBoolean(false)
                ? sync.withSyncRefModel(true)
                        .withRefModelMixupAlpha(number("ref_model_mixup_alpha"))
                        .withRefModelSyncSteps(config.get("ref_model_sync_steps").asInt())
                : sync;
    }

    public List<PackedRow> sftRows() {
        Optional<PackingStrategy> packing =
                config.path("packing").asBoolean(false)
                        ? Optional.of(PackingStrategy.valueOf(upper("packing_strategy")))
                        : Optional.empty();
        Optional<JsonNode> completionOnly =
                Optional.of(config.path("completion_only_loss")).filter(JsonNode::isBoolean);
        var options =
                new SftOptions(
                        maxLength(),
                        truncation(),
                        completionOnly.map(JsonNode::asBoolean),
                        config.path("assistant_only_loss").asBoolean(false),
                        true, // as TRL does
                        packing,
                        Optional.empty());
        return new SftPreparation(tokenizer, options, BadRowPolicy.ERROR)
                .prepare(samples(DOCUMENTS), 1)
                .rows();
    }

    public List<PreferenceExample> pairs() {
        var options = new PreferenceOptions(maxLength(), truncation());
        return new PreferencePreparation(tokenizer, options, BadRowPolicy.ERROR)
                .prepare(samples(EnumSet.of(DatasetType.PREFERENCE)), 1)
                .rows();
    }

    public List<ImitationPair> orpoRows() {
        return OrpoMethod.preparation(tokenizer, orpoConfig())
                .prepare(samples(EnumSet.of(DatasetType.PREFERENCE)), 1)
                .rows();
    }

    public List<ImitationPair> cpoRows() {
        return CpoMethod.preparation(tokenizer, cpoConfig())
                .prepare(samples(EnumSet.of(DatasetType.PREFERENCE)), 1)
                .rows();
    }

    public List<ImitationPair> tpoRows() {
        return TpoMethod.preparation(tokenizer, tpoConfig())
                .prepare(samples(EnumSet.of(DatasetType.TRIPLE_PREFERENCE)), 1)
                .rows();
    }

    public List<RewardExample> rewardPairs() {
        return new RewardPreparation(tokenizer, maxLength(), BadRowPolicy.ERROR)
                .prepare(samples(EnumSet.of(DatasetType.PREFERENCE)), 1)
                .rows();
    }

    /// Prompts of any form.
    ///
    /// @param form what the method makes of prompts
    public List<PromptExample> prompts(
            Function<PromptPreparation, RowPreparation<PromptExample>> form) {
        return form.apply(new PromptPreparation(tokenizer, OptionalInt.empty(), BadRowPolicy.ERROR))
                .prepare(samples(EnumSet.of(DatasetType.PROMPT_ONLY)), 1)
                .rows();
    }

    public List<StepwiseExample> stepwiseRows() {
        JsonNode completion = config.path("max_completion_length");
        var options =
                new StepwiseOptions(
                        config.get("step_separator").asText(),
                        config.get("train_on_last_step_only").asBoolean(),
                        maxLength(),
                        completion.isNumber()
                                ? OptionalInt.of(completion.asInt())
                                : OptionalInt.empty());
        return new StepwisePreparation(tokenizer, options, BadRowPolicy.ERROR)
                .prepare(samples(EnumSet.of(DatasetType.STEPWISE_SUPERVISION)), 1)
                .rows();
    }

    List<Sample> samples(Set<DatasetType> accepted) {
        return new DatasetLoader(folder, new HubCache(output), BadRowPolicy.ERROR)
                .seeing(true)
                .load(List.of(DatasetSource.of("data.jsonl")), accepted)
                .samples();
    }

    OptionalInt maxLength() {
        JsonNode length = config.path("max_length");
        return length.isNumber() ? OptionalInt.of(length.asInt()) : OptionalInt.empty();
    }

    private TruncationMode truncation() {
        return TruncationMode.valueOf(upper("truncation_mode"));
    }

    public String upper(String key) {
        return config.get(key).asText().toUpperCase(Locale.ROOT);
    }

    public SftConfig sftConfig() {
        return SftConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withLora(l -> l.withUsePeft(adapter().isPresent()))
                .withLoss(
                        l ->
                                l.withLossType(SftLossType.valueOf(upper("loss_type")))
                                        .withLabelSmoothingFactor(
                                                config.path("label_smoothing_factor").asDouble(0)))
                .withTraining(this::training);
    }

    public DpoConfig dpoConfig() {
        List<DpoLossType> losses = new ArrayList<>();
        config.get("loss_type")
                .forEach(n -> losses.add(DpoLossType.valueOf(n.asText().toUpperCase(Locale.ROOT))));
        List<Double> weights = new ArrayList<>();
        config.path("loss_weights").forEach(w -> weights.add(w.asDouble()));
        JsonNode ldAlpha = config.path("ld_alpha");
        return DpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withLora(l -> l.withUsePeft(adapter().isPresent()))
                .withLoss(
                        l ->
                                l.withLossType(losses)
                                        .withLossWeights(weights)
                                        .withBeta(config.get("beta").asDouble())
                                        .withLabelSmoothing(
                                                config.get("label_smoothing").asDouble()))
                .withVariant(
                        v ->
                                v.withFDivergenceType(
                                                FDivergence.valueOf(upper("f_divergence_type")))
                                        .withFAlphaDivergenceCoef(
                                                config.get("f_alpha_divergence_coef").asDouble())
                                        .withDiscopopTau(config.get("discopop_tau").asDouble())
                                        .withUseWeighting(config.get("use_weighting").asBoolean()))
                .withVariant(v -> ldAlpha.isNumber() ? v.withLdAlpha(ldAlpha.asDouble()) : v)
                .withReference(this::reference)
                .withTraining(this::training);
    }

    public List<CompletionExample> completions() {
        return new CompletionPreparation(tokenizer, maxLength(), BadRowPolicy.ERROR, false)
                .prepare(samples(DOCUMENTS), 1)
                .rows();
    }

    public GkdConfig gkdConfig() {
        return GkdConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withLora(l -> l.withUsePeft(adapter().isPresent()))
                .withTeacher(t -> t.withTeacherModelNameOrPath("teacher-model"))
                .withLoss(
                        l ->
                                l.withBeta(config.get("beta").asDouble())
                                        .withLmbda(config.get("lmbda").asDouble())
                                        .withTemperature(config.get("temperature").asDouble())
                                        .withSeqKd(config.get("seq_kd").asBoolean())
                                        .withMaxNewTokens(config.get("max_new_tokens").asInt())
                                        .withTrlCompat(true))
                .withTraining(this::training);
    }

    public OrpoConfig orpoConfig() {
        return OrpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withLora(l -> l.withUsePeft(adapter().isPresent()))
                .withRows(_ -> new AnswerPairConfig(maxLength(), true, true))
                .withLoss(l -> l.withBeta(number("beta")))
                .withTraining(this::training);
    }

    public CpoConfig cpoConfig() {
        return CpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withLora(l -> l.withUsePeft(adapter().isPresent()))
                .withRows(_ -> new AnswerPairConfig(maxLength(), true, true))
                .withLoss(
                        l ->
                                l.withLossType(CpoLossType.valueOf(upper("loss_type")))
                                        .withBeta(number("beta"))
                                        .withLabelSmoothing(number("label_smoothing"))
                                        .withCpoAlpha(number("cpo_alpha"))
                                        .withSimpoGamma(number("simpo_gamma"))
                                        .withAlpha(number("alpha")))
                .withTraining(this::training);
    }

    public TpoConfig tpoConfig() {
        return TpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withLora(l -> l.withUsePeft(adapter().isPresent()))
                .withLength(_ -> new LengthConfig(maxLength(), truncation()))
                .withLoss(
                        l ->
                                l.withLossType(
                                                TpoLossType.valueOf(
                                                        upper("loss_type").replace('-', '_')))
                                        .withBeta(number("beta"))
                                        .withLabelSmoothing(number("label_smoothing"))
                                        .withTpoAlpha(number("tpo_alpha"))
                                        .withTpoLGamma(number("tpo_l_gamma"))
                                        .withTrlCompat(true))
                .withTraining(this::training);
    }

    public RewardTrainerConfig rewardConfig() {
        JsonNode center = config.path("center_rewards_coefficient");
        return RewardTrainerConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withLora(l -> l.withUsePeft(adapter().isPresent()))
                .withLoss(
                        l ->
                                center.isNumber()
                                        ? l.withCenterRewardsCoefficient(center.asDouble())
                                        : l)
                .withTraining(this::training);
    }

    public PrmConfig prmConfig() {
        return PrmConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withTraining(this::training);
    }

    ReferenceConfig reference(ReferenceConfig r) {
        return r.withPrecomputeRefLogProbs(config.get("precompute_ref_log_probs").asBoolean())
                .withSync(_ -> sync());
    }

    public TrainingConfig training(TrainingConfig start) {
        return start.withOptimizer(
                        o ->
                                o.withLearningRate(number("learning_rate"))
                                        .withAdamBeta1(number("adam_beta1"))
                                        .withAdamBeta2(number("adam_beta2"))
                                        .withAdamEpsilon(number("adam_epsilon"))
                                        .withWeightDecay(number("weight_decay"))
                                        .withMaxGradNorm(number("max_grad_norm")))
                .withSchedule(
                        s ->
                                s.withLrSchedulerType(
                                                LrSchedulerType.valueOf(upper("lr_scheduler_type")))
                                        .withWarmupSteps(number("warmup_steps"))
                                        .withMaxSteps(config.get("max_steps").asInt()))
                .withBatch(
                        b ->
                                b.withPerDeviceTrainBatchSize(
                                                config.get("per_device_train_batch_size").asInt())
                                        .withGradientAccumulationSteps(
                                                config.get("gradient_accumulation_steps").asInt())
                                        .withTrainSamplingStrategy(
                                                SamplingStrategy.valueOf(
                                                        upper("train_sampling_strategy"))))
                .withLog(l -> l.withLoggingSteps(1))
                .withSave(s -> s.withOutputDir(output).withSaveStrategy(SaveStrategy.NO));
    }

    double number(String key) {
        return config.get(key).asDouble();
    }

    /// What TRL logged, step by step.
    public List<JsonNode> expectedSteps() throws IOException {
        List<JsonNode> steps = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("expected.jsonl"))) {
            steps.add(new ObjectMapper().readTree(line));
        }
        return steps;
    }

    /// Names and statistics of the trained weights at the end.
    public Map<String, JsonNode> expectedWeights() {
        JsonNode weights = Recorded.json(folder.resolve("expected-weights.json"));
        Map<String, JsonNode> byName = new TreeMap<>();
        Optional<VisionConfig.Names> names = names();
        weights.forEachEntry((k, v) -> byName.put(names.map(n -> n.ofModule(k)).orElse(k), v));
        return byName;
    }
}
