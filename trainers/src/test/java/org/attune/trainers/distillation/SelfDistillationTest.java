package org.attune.trainers.distillation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.policy.MovingReference;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.rollout.source.RecordedRollouts;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.ReferenceSync;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.prepare.PromptPreparation;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.prepare.Shaped;
import org.attune.trainers.testing.Parity;
import org.attune.trainers.testing.ParityCase;
import org.attune.trainers.testing.RecordingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Self-distillation: whole runs of TRL's, recorded by `trainers/src/test/recorded/make_runs.py`,
/// and prompts as the teacher reads them.
class SelfDistillationTest {
    private static final String FOLDER = "trainers/src/test/resources/recorded";

    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        Path root = Fixtures.own(FOLDER);
        try (var text = TextAssets.load(Fixtures.own("examples/model"))) {
            var tokenizer = new SampleTokenizer(text.tokenizer(), text.template());
            List<Path> folders = Recorded.folders(root.resolve("self"));
            assertEquals(4, folders.size());
            for (Path folder : folders) {
                Path out = output.resolve(folder.getFileName());
                Engine.run(() -> compare(ParityCase.of(root, tokenizer, folder, out), text));
            }
        }
    }

    private static void compare(ParityCase parity, TextAssets text) {
        SdftConfig config = config(parity);
        try (var _ = TensorScope.open("parity");
                var decoder = parity.model("model");
                var start = parity.model("model");
                var policy = parity.policy(decoder)) {
            var listener = new RecordingListener();
            RunContext context = RunContext.of(_ -> {}).withListeners(listener);
            switch (config.loss().teacherModelKind()) {
                case BASE ->
                        train(
                                parity,
                                config,
                                policy,
                                Policy.reference(start),
                                start,
                                context,
                                text);
                case LIVE -> train(parity, config, policy, policy, decoder, context, text);
                case EMA -> {
                    try (MovingReference moving = policy.movingModel(start, Scorer.Start.SAME)) {
                        train(parity, config, policy, moving, start, context, text);
                    }
                }
            }
            Parity.compareSteps(steps(parity), listener.logs);
            Parity.compareWeights(parity.expectedWeights(), policy);
        }
    }

    private static List<JsonNode> steps(ParityCase parity) {
        try {
            return parity.expectedSteps();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static SdftConfig config(ParityCase parity) {
        JsonNode c = parity.config();
        return SdftConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("recorded"))
                .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(false))
                .withLora(l -> l.withUsePeft(parity.adapter().isPresent()))
                .withNumGenerations(c.get("num_generations").asInt())
                .withMaxCompletionLength(c.get("max_completion_length").asInt())
                .withSampling(s -> s.withTemperature(c.get("temperature").asDouble()))
                .withLoss(
                        l ->
                                l.withDistillationAlpha(c.get("distillation_alpha").asDouble())
                                        .withDistillationMode(
                                                SelfDistillationConfig.Mode.valueOf(
                                                        parity.upper("distillation_mode")))
                                        .withDistillationTopk(c.get("distillation_topk").asInt())
                                        .withDistillationAddTail(
                                                c.get("distillation_add_tail").asBoolean())
                                        .withNumLossTokensToSkip(
                                                c.get("num_loss_tokens_to_skip").asInt())
                                        .withTeacherModelKind(
                                                SelfDistillationConfig.Kind.valueOf(
                                                        parity.upper("teacher_model_kind")))
                                        .withTeacherUpdateRate(
                                                c.get("teacher_update_rate").asDouble())
                                        .withTeacherSyncSteps(c.get("teacher_sync_steps").asInt())
                                        .withGenerateFromTeacher(
                                                c.get("generate_from_teacher").asBoolean())
                                        .withTeacherPromptTemplate(
                                                c.get("teacher_prompt_template").asText()))
                .withTraining(parity::training);
    }

    private static void train(
            ParityCase parity,
            SdftConfig config,
            Policy policy,
            Scorer teacher,
            Decoder weights,
            RunContext context,
            TextAssets text) {
        SelfDistillationConfig loss = config.loss();
        Adapter adapter = teacher == policy ? policy.adapterInUse() : Adapter.OFF;
        var recorded =
                new RecordedRollouts(
                        parity.folder().resolve("rollouts.jsonl"),
                        config.maxCompletionLength(),
                        List.of(text.tokenizer().eosId().orElseThrow()));
        DistilledRows.self(
                        config,
                        policy,
                        new SelfTeacher(
                                teacher,
                                weights,
                                adapter,
                                loss.top(),
                                loss.distillationAddTail(),
                                true),
                        loss.reference().flatMap(r -> ReferenceSync.of(r.sync(), teacher)),
                        recorded,
                        text.tokenizer(),
                        parity.prompts(p -> new TaughtPrompts(p, loss.teacherPromptTemplate())),
                        List.of(),
                        context)
                .train();
    }

    private static Shaped<PromptExample> taught(String template, Content prompt, Object told) {
        try (var text = TextAssets.load(Fixtures.own("examples/model"))) {
            var prompts =
                    new PromptPreparation(
                            new SampleTokenizer(text.tokenizer(), text.template()),
                            OptionalInt.of(60),
                            BadRowPolicy.ERROR);
            Map<String, Object> columns =
                    told == null ? Map.of() : Map.of("privileged_context", told);
            var row = new Row(columns, new RowOrigin("rows.jsonl", 1, 0));
            return new TaughtPrompts(prompts, template)
                    .shape(new Sample.PromptOnly(prompt, TemplateOptions.NONE, row));
        }
    }

    private static String read(String template, Content prompt, Object told) {
        var kept = (Shaped.Kept<PromptExample>) taught(template, prompt, told);
        assertTrue(!kept.row().text().contains("4 2"), "the student isn't told");
        return kept.row().taught().orElseThrow().text();
    }

    @Test
    void theTeacherReadsWhatTheTemplateMakesOfThePrompt() {
        var text = new Content.Text("Sort: 2 4");
        assertEquals("Sort: 2 4 {4 2}", read("{prompt} {{{privileged_context}}}", text, "4 2"));
        Object messages =
                List.of(
                        Map.of("role", "user", "content", "4"),
                        Map.of("role", "assistant", "content", "4 2"));
        assertEquals("4\n4 2 Sort: 2 4", read("{privileged_context} {prompt}", text, messages));
        var turns =
                new Content.Turns(
                        List.of(Message.of("system", "Be short."), Message.of("user", "2 4")));
        String read = read("{prompt}|{privileged_context}", turns, "$1 4 2");
        assertTrue(read.contains("Be short.") && read.contains("2 4|$1 4 2"), read);
    }

    @Test
    void rowsThatTellTheTeacherNothingAreRefused() {
        String template = "{prompt} {privileged_context}";
        var text = new Content.Text("Sort: 2 4");
        var missing = assertThrows(DatasetException.class, () -> taught(template, text, null));
        assertTrue(
                missing.getMessage().contains("privileged_context is missing"),
                missing::getMessage);
        assertThrows(DatasetException.class, () -> taught(template, text, List.of(1L)));
        var answered =
                new Content.Turns(List.of(Message.of("user", "2 4"), Message.of("assistant", "2")));
        assertThrows(DatasetException.class, () -> taught(template, answered, "4 2"));
        var left = (Shaped.Left<PromptExample>) taught(template, text, "4 ".repeat(60));
        assertTrue(left.reason().contains("the teacher's prompt"), left.reason());
    }

    @Test
    void templatesWithoutBothPartsAreRefused() {
        assertEquals(Optional.empty(), TaughtPrompts.problem("{{}}{prompt}{privileged_context}"));
        for (String template :
                List.of("{prompt}", "{privileged_context}", "{prompt}{privileged_context}{x}")) {
            assertTrue(TaughtPrompts.problem(template).isPresent(), template);
        }
        SdftConfig sampled =
                SdftConfig.defaults()
                        .withLoss(
                                l ->
                                        l.withDistillationMode(
                                                SelfDistillationConfig.Mode.SAMPLED_TOKEN));
        assertEquals(1, sampled.loss().crossFieldProblems().size());
    }
}
