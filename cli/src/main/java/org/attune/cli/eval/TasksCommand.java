package org.attune.cli.eval;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.error.ConfigException;
import org.attune.reward.task.Parameter;
import org.attune.reward.task.Problem;
import org.attune.reward.task.Split;
import org.attune.reward.task.Task;
import org.attune.reward.task.TaskKind;
import org.attune.reward.task.TaskRows;
import org.attune.reward.task.Tasks;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

/// `attune tasks [NAME --out FILE]`
@Command(
        name = "tasks",
        description = {
            "Write problems with checkable answers.",
            "Without a name: list the kinds of problems."
        })
public final class TasksCommand implements Callable<Integer> {
    /// What the rows are for.
    enum Form {
        PROMPTS,
        COMPLETIONS,
        PAIRS
    }

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "NAME", description = "Write problems of this task.")
    String name;

    @Option(
            names = "--difficulty",
            defaultValue = "",
            paramLabel = "LEVEL",
            description = "easy, medium, hard, name=value,… or both (default: easy).")
    String difficulty;

    @Option(names = "--held-out", description = "Problems that are never trained on.")
    boolean heldOut;

    @Option(
            names = "--form",
            defaultValue = "prompts",
            description = {
                "prompts: with the answer, for grpo and eval; completions: for sft;",
                "pairs: for dpo (default: ${DEFAULT-VALUE})."
            })
    Form form;

    @Option(
            names = "--mistakes",
            defaultValue = "0",
            paramLabel = "SHARE",
            description = "Of completions: how many are the careless answer (default: 0).")
    double mistakes;

    @Option(
            names = "--n",
            defaultValue = "1000",
            paramLabel = "COUNT",
            description = "Problems (default: ${DEFAULT-VALUE}).")
    int count;

    @Option(names = "--seed", defaultValue = "42", description = "Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "FILE",
            description = "JSON lines to write.")
    Path out;

    @Override
    public Integer call() {
        PrintWriter console = spec.commandLine().getOut();
        if (name == null) {
            Tasks.all().forEach(kind -> list(kind, console));
            return ExitCodes.DONE;
        }
        if (out == null) {
            throw new ConfigException("which file? Give --out FILE");
        }
        if (count < 1 || !(mistakes >= 0 && mistakes <= 1)) {
            throw new ConfigException("accepted: --n at least 1, --mistakes in [0, 1]");
        }
        Task task = Tasks.of(name, difficulty);
        Split split = heldOut ? Split.HELD_OUT : Split.TRAIN;
        int rows = write(task.generate(seed, count, split));
        console.printf("%s: %d %s rows of %s%n", out, rows, split, task.name());
        return ExitCodes.DONE;
    }

    private int write(List<Problem> problems) {
        try {
            switch (form) {
                case PROMPTS -> TaskRows.writePrompts(out, problems);
                case COMPLETIONS ->
                        TaskRows.writeCompletions(
                                out,
                                problems,
                                mistakes,
                                RandomSource.XO_SHI_RO_256_PP.create(
                                        new long[] {seed, name.hashCode()}));
                case PAIRS -> {
                    return TaskRows.writePairs(out, problems);
                }
            }
            return problems.size();
        } catch (IOException e) {
            throw new ConfigException("%s can't be written: %s".formatted(out, e), e);
        }
    }

    private static void list(TaskKind kind, PrintWriter console) {
        console.printf("%-16s %s%n", kind.name(), kind.description());
        Problem sample = new Task(kind, "").generate(1, 1, Split.TRAIN).getFirst();
        console.printf("  e.g. %s  →  %s%n", sample.prompt(), sample.answer());
        for (Parameter p : kind.parameters()) {
            console.printf(
                    "  %-10s %s, %d to %d; easy %d, medium %d, hard %d%n",
                    p.name(), p.meaning(), p.min(), p.max(), p.easy(), p.medium(), p.hard());
        }
    }
}
