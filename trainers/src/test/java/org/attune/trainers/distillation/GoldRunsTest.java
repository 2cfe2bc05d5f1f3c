package org.attune.trainers.distillation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.files.HubCache;
import org.attune.model.layer.Adapter;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.TextAssets;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.prepare.CompletionPreparation;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.testing.Parity;
import org.attune.trainers.testing.ParityCase;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.WrittenCompletions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;

/// Whole runs of TRL's GOLDTrainer, whose teacher has another tokenizer than the student, recorded
/// by `trainers/src/test/recorded/make_gold.py`.
class GoldRunsTest {
    private static final Path ROOT = Fixtures.own("trainers/src/test/resources/recorded");

    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        try (var own = TextAssets.load(Fixtures.own("examples/model"));
                var theirs = TextAssets.load(ROOT.resolve("gold/teacher-model"))) {
            var tokenizer = new SampleTokenizer(own.tokenizer(), own.template());
            List<Path> folders =
                    Recorded.folders(ROOT.resolve("gold")).stream()
                            .filter(folder -> Files.exists(folder.resolve("expected.jsonl")))
                            .toList();
            assertEquals(7, folders.size());
            for (Path folder : folders) {
                Path out = output.resolve(folder.getFileName());
                Engine.run(() -> compare(ParityCase.of(ROOT, tokenizer, folder, out), theirs));
            }
        }
    }

    private static GkdConfig config(ParityCase parity) {
        JsonNode c = parity.config();
        return GkdConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("recorded"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withLora(l -> l.withUsePeft(parity.adapter().isPresent()))
                .withMaxLength(c.get("max_length").asInt())
                .withTeacher(t -> t.withTeacherModelNameOrPath("teacher-model"))
                .withLoss(
                        l ->
                                l.withLmbda(c.get("lmbda").asDouble())
                                        .withBeta(c.get("beta").asDouble())
                                        .withMaxNewTokens(c.get("max_completion_length").asInt())
                                        .withTrlCompat(true))
                .withUld(u -> uld(c, u, parity))
                .withTraining(parity::training);
    }

    private static UldConfig uld(JsonNode c, UldConfig u, ParityCase parity) {
        JsonNode matched = c.get("uld_hybrid_matched_weight");
        UldConfig weighted =
                matched.isNull()
                        ? u
                        : u.withUldHybridMatchedWeight(matched.asDouble())
                                .withUldHybridUnmatchedWeight(
                                        c.get("uld_hybrid_unmatched_weight").asDouble());
        return weighted.withUseUldLoss(true)
                .withUseExtendedUld(c.get("use_extended_uld").asBoolean())
                .withUldTokenMergeStrategy(
                        UldConfig.Merge.valueOf(parity.upper("uld_token_merge_strategy")))
                .withUldUseHybridLoss(c.get("uld_use_hybrid_loss").asBoolean())
                .withUldCrossentropyWeight(c.get("uld_crossentropy_weight").asDouble())
                .withUldDistillationWeight(c.get("uld_distillation_weight").asDouble())
                .withUldStudentTemperature(c.get("uld_student_temperature").asDouble())
                .withUldTeacherTemperature(c.get("uld_teacher_temperature").asDouble())
                .withUldSkipStudentEos(c.get("uld_skip_student_eos").asBoolean())
                .withUldSkipTeacherEos(c.get("uld_skip_teacher_eos").asBoolean());
    }

    private static List<CompletionExample> rows(ParityCase parity, GkdConfig config) {
        List<Sample> samples =
                new DatasetLoader(
                                parity.folder(), new HubCache(parity.output()), BadRowPolicy.ERROR)
                        .load(
                                List.of(DatasetSource.of("data.jsonl")),
                                EnumSet.of(
                                        DatasetType.LANGUAGE_MODELING,
                                        DatasetType.PROMPT_COMPLETION))
                        .samples();
        return new CompletionPreparation(
                        parity.tokenizer(), config.maxLength(), BadRowPolicy.ERROR, true)
                .keepingTexts()
                .prepare(samples, 1)
                .rows();
    }

    private static void compare(ParityCase parity, TextAssets theirs) {
        GkdConfig config = config(parity);
        Path written = parity.folder().resolve("written.jsonl");
        try (var _ = TensorScope.open("parity");
                var decoder = parity.model("model");
                var teacher = parity.model("teacher_model");
                var policy = parity.policy(decoder)) {
            var listener = new RecordingListener();
            var tokenizers =
                    new TwoTokenizers(
                            parity.tokenizer().tokenizer(),
                            theirs.tokenizer(),
                            config.uld(),
                            config.loss().beta());
            DistilledRows.gkd(
                            config,
                            policy,
                            Teachers.of(TeacherModel.of(teacher, Adapter.OFF)),
                            new DistilledRows.Writers(
                                    Files.exists(written)
                                            ? Optional.of(WrittenCompletions.of(written))
                                            : Optional.empty(),
                                    Optional.empty()),
                            rows(parity, config),
                            List.of(),
                            RunContext.of(_ -> {}).withListeners(listener),
                            Optional.of(tokenizers.across(decoder.config(), teacher.config())))
                    .train();
            Parity.compareSteps(parity.expectedSteps(), listener.logs);
            Parity.compareWeights(parity.expectedWeights(), policy);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
