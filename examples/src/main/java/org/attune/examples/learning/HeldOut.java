package org.attune.examples.learning;

import org.attune.adapter.AdapterFolder;
import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.hub.HubDownload;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.eval.EvalProblem;
import org.attune.models.eval.EvalResult;
import org.attune.models.eval.ModelEval;
import org.attune.policy.Policy;
import org.attune.reward.task.AnswerCheck;
import org.attune.reward.task.AnswerReward;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.tensor.Engine;
import org.attune.text.Conversation;
import org.attune.text.Message;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Held-out problems, and how many of them a model solves; what `attune eval --data FILE --verifier
/// numbers --max-new-tokens 16` measures.
///
/// @param problems with their answers
record HeldOut(List<EvalProblem> problems) {
    private static final int MAX_NEW_TOKENS = 16;
    private static final int SAMPLES = 4;
    private static final long SEED = 42;

    /// Answers of one model.
    ///
    /// @param greedy the likeliest completion of each problem
    /// @param sampled completions at temperature 1, several of each
    record Answers(EvalResult greedy, EvalResult sampled) {}

    /// @param file prompts with the column `answer`
    static HeldOut read(Path file) {
        var source =
                new DatasetSource(
                        file.toString(),
                        Optional.empty(),
                        Optional.of(DatasetType.PROMPT_ONLY.key()),
                        SplitSpec.TRAIN,
                        Map.of());
        var loader = new DatasetLoader(Path.of(""), HubDownload.cache(), BadRowPolicy.ERROR);
        return new HeldOut(
                loader.load(List.of(source), Set.of(DatasetType.PROMPT_ONLY)).samples().stream()
                        .map(HeldOut::problem)
                        .toList());
    }

    private static EvalProblem problem(Sample sample) {
        var row = (Sample.PromptOnly) sample;
        Map<String, Object> columns = row.row().columns();
        return switch (row.prompt()) {
            case Content.Text(String text) ->
                    EvalProblem.asked(Conversation.of(List.of(Message.of("user", text))), columns);
            case Content.Turns(List<Message> turns) ->
                    EvalProblem.asked(Conversation.of(turns), columns);
        };
    }

    /// A model's answers, judged.
    Answers measure(ModelConfig config) {
        return Engine.call(
                () -> {
                    try (var model = ModelSetup.open(config, HubDownload.cache());
                            var decoder = model.loadDecoder()) {
                        return model.adapter().isEmpty()
                                ? answers(model, decoder, Adapter.OFF)
                                : adapted(model, decoder);
                    }
                });
    }

    private Answers adapted(ModelSetup model, Decoder decoder) {
        AdapterFolder folder = model.adapter().orElseThrow();
        try (var policy = Policy.withAdapter(decoder, folder, Policy.Options.defaults())) {
            return answers(model, decoder, policy.adapterInUse());
        }
    }

    private Answers answers(ModelSetup model, Decoder decoder, Adapter adapter) {
        var tokenizer = model.text().tokenizer();
        var completer = new TextCompleter(Generator.of(decoder, adapter, tokenizer), tokenizer);
        var eval = new ModelEval(completer, model.text(), new AnswerReward(AnswerCheck.NUMBERS));
        Set<Integer> stops = TextCompleter.stopIds(model.source(), tokenizer);
        return new Answers(
                eval.run(problems, SamplingConfig.greedy(MAX_NEW_TOKENS, stops), 1),
                eval.run(
                        problems,
                        SamplingConfig.of(
                                SamplingConfig.Distribution.plain(), MAX_NEW_TOKENS, stops, SEED),
                        SAMPLES));
    }
}
