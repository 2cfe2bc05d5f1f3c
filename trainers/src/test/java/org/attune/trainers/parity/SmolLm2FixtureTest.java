package org.attune.trainers.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.adapter.AdapterFolder;
import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.files.HubCache;
import org.attune.model.layer.Decoder;
import org.attune.model.source.ModelSource;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.testing.RecordedRows;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.preference.DpoLossType;
import org.attune.trainers.preference.DpoObjective;
import org.attune.trainers.prepare.PreferenceOptions;
import org.attune.trainers.prepare.PreferencePreparation;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.prepare.SftOptions;
import org.attune.trainers.prepare.SftPreparation;
import org.attune.trainers.prepare.TruncationMode;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftObjective;
import org.attune.trainers.testing.RecordingListener;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Three steps of SFT and of DPO on a real chat model, from its GGUF file, against TRL's.
@Tag("fixtures-smollm2")
class SmolLm2FixtureTest {
    private static final String MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf";

    @TempDir private Path output;

    @Test
    void stepsAreThoseOfTrl() {
        Path folder = Fixtures.fixture("smollm2");
        Path model = Fixtures.model(MODEL);
        Path data = Fixtures.data("");
        try (var report = new CaseReport("fixtures-smollm2", getClass())) {
            report.run("sft", () -> Engine.run(() -> sft(folder, model, data)));
            report.run("dpo", () -> Engine.run(() -> dpo(folder, model, data)));
        }
    }

    private void sft(Path folder, Path model, Path data) {
        JsonNode expected = Recorded.json(folder.resolve("sft.json"));
        JsonNode config = expected.get("config");
        RecordedRows rows = RecordedRows.of(folder.resolve("sft.json"));
        try (var _ = TensorScope.open("smollm2");
                ModelSource source = ModelSource.open(model.toString());
                var text = source.openText();
                var decoder = decoder(source, config);
                var policy = policy(decoder, folder)) {
            var options =
                    new SftOptions(
                            OptionalInt.of(config.get("max_length").asInt()),
                            TruncationMode.KEEP_START,
                            Optional.empty(),
                            false,
                            Optional.empty());
            var tokenizer = new SampleTokenizer(text.tokenizer(), text.template());
            List<PackedRow> prepared =
                    new SftPreparation(tokenizer, options, BadRowPolicy.ERROR)
                            .prepare(
                                    samples(data, rows, EnumSet.of(DatasetType.PROMPT_COMPLETION)),
                                    2)
                            .rows();
            var listener = new RecordingListener();
            SftConfig ours =
                    SftConfig.defaults()
                            .withModel(m -> m.withModelNameOrPath(MODEL))
                            .withData(_ -> DataConfig.of(rows.file()))
                            .withLora(l -> l.withUsePeft(true))
                            .withTraining(t -> training(t, config));
            SftObjective.trainer(
                            ours, policy, Optional.empty(), prepared, List.of(), context(listener))
                    .train();
            compare(expected.get("log"), listener.logs);
        }
    }

    private void dpo(Path folder, Path model, Path data) {
        JsonNode expected = Recorded.json(folder.resolve("dpo.json"));
        JsonNode config = expected.get("config");
        RecordedRows rows = RecordedRows.of(folder.resolve("dpo.json"));
        try (var _ = TensorScope.open("smollm2");
                ModelSource source = ModelSource.open(model.toString());
                var text = source.openText();
                var decoder = decoder(source, config);
                var policy = policy(decoder, folder)) {
            var options =
                    new PreferenceOptions(
                            OptionalInt.of(config.get("max_length").asInt()),
                            TruncationMode.KEEP_START);
            var tokenizer = new SampleTokenizer(text.tokenizer(), text.template());
            List<PreferenceExample> prepared =
                    new PreferencePreparation(tokenizer, options, BadRowPolicy.ERROR)
                            .prepare(samples(data, rows, EnumSet.of(DatasetType.PREFERENCE)), 2)
                            .rows();
            var listener = new RecordingListener();
            DpoConfig ours =
                    DpoConfig.defaults()
                            .withModel(m -> m.withModelNameOrPath(MODEL))
                            .withData(_ -> DataConfig.of(rows.file()))
                            .withLora(l -> l.withUsePeft(true))
                            .withLoss(
                                    l ->
                                            l.withLossType(
                                                            List.of(
                                                                    DpoLossType.valueOf(
                                                                            upper(
                                                                                    config,
                                                                                    "loss_type"))))
                                                    .withBeta(config.get("beta").asDouble()))
                            .withTraining(t -> training(t, config));
            DpoObjective.trainer(
                            ours,
                            policy,
                            policy.frozenAdapter(),
                            prepared,
                            List.of(),
                            context(listener))
                    .train();
            compare(expected.get("log"), listener.logs);
        }
    }

    private static Decoder decoder(ModelSource source, JsonNode config) {
        var dtype = DType.valueOf(upper(config, "dtype"));
        return Decoder.load(source.config(), source.tensors(), Devices.usual(), dtype);
    }

    private static Policy policy(Decoder decoder, Path folder) {
        return Policy.withAdapter(
                decoder,
                AdapterFolder.open(folder.resolve("adapter-start")),
                Policy.Options.defaults());
    }

    private static RunContext context(RecordingListener listener) {
        return RunContext.of(_ -> {}).withListeners(listener);
    }

    private List<Sample> samples(Path data, RecordedRows rows, Set<DatasetType> accepted) {
        List<Sample> all =
                new DatasetLoader(data, new HubCache(output), BadRowPolicy.ERROR)
                        .load(List.of(DatasetSource.of(rows.file())), accepted)
                        .samples();
        return Arrays.stream(rows.rows()).mapToObj(all::get).toList();
    }

    private TrainingConfig training(TrainingConfig start, JsonNode config) {
        return start.withOptimizer(
                        o ->
                                o.withLearningRate(config.get("learning_rate").asDouble())
                                        .withMaxGradNorm(
                                                config.path("max_grad_norm")
                                                        .asDouble(o.maxGradNorm())))
                .withSchedule(
                        s ->
                                s.withLrSchedulerType(
                                                LrSchedulerType.valueOf(
                                                        upper(config, "lr_scheduler_type")))
                                        .withMaxSteps(config.get("steps").asInt()))
                .withBatch(
                        b ->
                                b.withPerDeviceTrainBatchSize(config.get("batch").asInt())
                                        .withTrainSamplingStrategy(SamplingStrategy.SEQUENTIAL))
                .withLog(l -> l.withLoggingSteps(1))
                .withSave(s -> s.withOutputDir(output).withSaveStrategy(SaveStrategy.NO));
    }

    private static String upper(JsonNode config, String key) {
        return config.get(key).asText().toUpperCase(Locale.ROOT);
    }

    private static void compare(JsonNode expected, List<Map<String, Object>> logs) {
        assertEquals(expected.size(), logs.size(), "logged steps");
        for (int i = 0; i < logs.size(); i++) {
            for (Map.Entry<String, JsonNode> metric : expected.get(i).properties()) {
                String key = metric.getKey();
                Object got = logs.get(i).get(key);
                assertTrue(got != null, "step " + (i + 1) + " has no " + key);
                double want = metric.getValue().asDouble();
                assertEquals(
                        want,
                        ((Number) got).doubleValue(),
                        tolerance(key) * Math.abs(want) + absolute(key),
                        "step " + (i + 1) + " " + key);
            }
        }
    }

    /// As the fixtures' README has it: loss 1e-3, the others 5e-3, relative.
    private static double tolerance(String key) {
        return key.equals(MetricKeys.LOSS) ? 1e-3 : 5e-3;
    }

    /// Rewards are differences of log-probabilities times beta, so small ones are all rounding.
    private static double absolute(String key) {
        return key.startsWith("rewards/") && !key.equals(MetricKeys.REWARDS_ACCURACIES)
                ? 2e-3
                : 1e-9;
    }
}
