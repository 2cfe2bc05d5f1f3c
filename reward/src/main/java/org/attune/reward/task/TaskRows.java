package org.attune.reward.task;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.files.AtomicFile;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// Writes problems as JSON lines, in the conversational forms of TRL's data sets.
public final class TaskRows {

    private TaskRows() {}

    /// `{"prompt": [user], "answer": …}`, for reinforcement learning and evaluation.
    public static void writePrompts(Path file, List<Problem> problems) throws IOException {
        write(file, problems.stream().map(TaskRows::promptRow).toList());
    }

    /// `{"prompt": [user], "completion": [assistant]}`, for supervised training on what careful or
    /// careless people answer.
    ///
    /// @param mistakes how often the completion is the problem's mistake where it has one, in
    ///     [0, 1]
    /// @param random decides which
    public static void writeCompletions(
            Path file, List<Problem> problems, double mistakes, UniformRandomProvider random)
            throws IOException {
        if (!(mistakes >= 0 && mistakes <= 1)) {
            throw new IllegalArgumentException("mistakes must be in [0, 1], got " + mistakes);
        }
        write(
                file,
                problems.stream()
                        .map(p -> completionRow(p, random.nextDouble() < mistakes))
                        .toList());
    }

    /// `{"prompt": [user], "chosen": [assistant], "rejected": [assistant]}`, for preference
    /// training; problems without a mistake are left out.
    ///
    /// @return rows written
    public static int writePairs(Path file, List<Problem> problems) throws IOException {
        List<ObjectNode> rows =
                problems.stream()
                        .filter(p -> p.mistake().isPresent())
                        .map(TaskRows::pairRow)
                        .toList();
        write(file, rows);
        return rows.size();
    }

    private static ObjectNode promptRow(Problem problem) {
        ObjectNode row = Json.object();
        addTurn(row, "prompt", "user", problem.prompt());
        return row.put(AnswerReward.COLUMN, problem.answer());
    }

    private static ObjectNode completionRow(Problem problem, boolean careless) {
        ObjectNode row = Json.object();
        addTurn(row, "prompt", "user", problem.prompt());
        String given = careless ? problem.mistake().orElse(problem.answer()) : problem.answer();
        addTurn(row, "completion", "assistant", given);
        return row;
    }

    private static ObjectNode pairRow(Problem problem) {
        ObjectNode row = Json.object();
        addTurn(row, "prompt", "user", problem.prompt());
        addTurn(row, "chosen", "assistant", problem.answer());
        addTurn(row, "rejected", "assistant", problem.mistake().orElseThrow());
        return row;
    }

    private static void addTurn(ObjectNode row, String column, String role, String content) {
        row.putArray(column).addObject().put("role", role).put("content", content);
    }

    private static void write(Path file, List<ObjectNode> rows) throws IOException {
        var text = new StringBuilder();
        rows.forEach(row -> text.append(row).append('\n'));
        AtomicFile.writeText(file, text.toString());
    }
}
