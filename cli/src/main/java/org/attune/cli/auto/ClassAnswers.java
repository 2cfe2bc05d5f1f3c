package org.attune.cli.auto;

import org.attune.auto.MappedRows;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.models.eval.EvalProblem;
import org.attune.models.eval.EvalResult;
import org.attune.models.eval.EvalRow;
import org.attune.models.eval.ModelEval;
import org.attune.reports.page.ClassVerdict;
import org.attune.reward.task.AnswerCheck;
import org.attune.reward.task.AnswerReward;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.tensor.Engine;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.Tokenizer;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Lets a trained model name the classes of held-out texts.
public final class ClassAnswers {
    /// Tokens around a class's name, such as those of an empty thought and of the end.
    private static final int AROUND = 16;

    private static final String THOUGHT = "</think>";

    /// Classes at most, and mean rows of one at least.
    private static final int MOST = 300;

    private static final int ROWS = 3;

    private ClassAnswers() {}

    /// Whether answers are a few that recur, so that they can be told right from wrong.
    public static boolean recur(MappedRows rows) {
        if (rows.train().stream().anyMatch(row -> !row.containsKey("completion"))
                || rows.train().stream().anyMatch(row -> row.containsKey("label"))) {
            return false;
        }
        long different = rows.train().stream().map(ClassAnswers::answer).distinct().count();
        return different > 1 && different <= MOST && different * ROWS <= rows.train().size();
    }

    /// Asks the model for the likeliest answer to each held-out text.
    ///
    /// @param rows of texts and their classes
    /// @param model with the adapter that was trained
    public static ClassVerdict judge(MappedRows rows, ModelConfig model) {
        List<EvalProblem> problems = rows.heldOut().stream().map(ClassAnswers::problem).toList();
        EvalResult result =
                Engine.call(
                        () -> {
                            try (var loaded = LoadedModel.openToGenerate(model)) {
                                return ask(loaded, rows, problems);
                            }
                        });
        return ClassVerdict.of(
                rows.heldOut().stream().map(ClassAnswers::answer).toList(),
                result.rows().stream().map(ClassAnswers::isNamed).toList(),
                usual(rows.train()));
    }

    private static EvalResult ask(LoadedModel loaded, MappedRows rows, List<EvalProblem> problems) {
        Tokenizer tokenizer = loaded.setup().text().tokenizer();
        int longest =
                rows.train().stream()
                        .map(ClassAnswers::answer)
                        .distinct()
                        .mapToInt(name -> tokenizer.encode(name, false).length)
                        .max()
                        .orElseThrow();
        var likeliest =
                SamplingConfig.greedy(
                        longest + AROUND,
                        TextCompleter.stopIds(loaded.setup().source(), tokenizer));
        var exact = new AnswerReward(AnswerCheck.EXACT, AnswerReward.COLUMN);
        return new ModelEval(loaded.completer(), loaded.setup().text(), exact)
                .run(problems, likeliest, 1);
    }

    /// Whether what the model says, but for a thought before it, is the row's class.
    private static boolean isNamed(EvalRow row) {
        String said = row.completions().getFirst();
        int thought = said.lastIndexOf(THOUGHT);
        String answer = thought < 0 ? said : said.substring(thought + THOUGHT.length());
        return AnswerCheck.EXACT.accepts(
                answer, String.valueOf(row.problem().columns().get(AnswerReward.COLUMN)));
    }

    private static EvalProblem problem(Map<String, Object> row) {
        Map<String, Object> right = Map.of(AnswerReward.COLUMN, answer(row));
        return row.get("prompt") instanceof List<?> turns
                ? EvalProblem.asked(
                        Conversation.of(turns.stream().map(ClassAnswers::message).toList()), right)
                : EvalProblem.continued(String.valueOf(row.get("prompt")), right);
    }

    private static Message message(Object turn) {
        var fields = (Map<?, ?>) turn;
        return Message.of(
                String.valueOf(fields.get("role")), String.valueOf(fields.get("content")));
    }

    private static String answer(Map<String, Object> row) {
        return row.get("completion") instanceof List<?> turns
                ? message(turns.getFirst()).content()
                : String.valueOf(row.get("completion"));
    }

    private static String usual(List<Map<String, Object>> rows) {
        return rows.stream()
                .map(ClassAnswers::answer)
                .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()))
                .entrySet()
                .stream()
                .max(Map.Entry.comparingByValue())
                .orElseThrow()
                .getKey();
    }
}
