package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.error.ConfigException;
import org.attune.feedback.FeedbackStore;
import org.attune.feedback.JudgedAnswer;
import org.attune.feedback.Release;
import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.learn.AnswerSides;
import org.attune.learn.FeedbackItems;
import org.attune.learn.LearnedFolders;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/// `attune feedback STORE`
@Command(
        name = "feedback",
        description = {
            "Count users' judgements, write them as rows, forget users.",
            "Without options it counts answers and judgements by what answered, and tells the sides"
                    + " of a split apart."
        })
final class FeedbackCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(paramLabel = "STORE", description = "A file, or postgresql://HOST/DATABASE.")
    String place;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "FILE",
            description =
                    "Write what users agree on as rows (.jsonl): pairs, and single answers with"
                            + " their label.")
    Path out;

    @Option(
            names = "--forget",
            paramLabel = "USER",
            description = "Remove what this user asked, was answered, and judged.")
    String user;

    @Option(
            names = "--retention",
            paramLabel = "DAYS",
            description = "Remove answers that are older, with their judgements.")
    Integer days;

    @Override
    public Integer call() {
        PrintWriter console = spec.commandLine().getOut();
        try (var store = FeedbackStore.open(place)) {
            if (user != null) {
                tell(console, "of " + user, store.forget(user));
            }
            if (days != null) {
                if (days < 1) {
                    throw new ConfigException(
                            "--retention is %d; accepted: at least 1 day".formatted(days));
                }
                Instant time = Instant.now().minus(Duration.ofDays(days));
                tell(console, "from before " + time, store.forgetBefore(time));
            }
            List<JudgedAnswer> judged = store.judged(Optional.empty());
            if (out != null) {
                write(console, FeedbackItems.of(judged));
            } else if (user == null && days == null) {
                AnswerSides.lines(store.answers(), judged).forEach(console::println);
                store.releases().forEach(release -> console.println(line(release)));
            }
        }
        console.flush();
        return ExitCodes.DONE;
    }

    private void tell(PrintWriter console, String what, List<String> ids) {
        console.println("forgotten %s: %d answers or judgements".formatted(what, ids.size()));
        for (Path run : LearnedFolders.of(place, ids)) {
            console.println(
                    "  %s was learned from some of it: delete the folder, and learn again"
                            .formatted(run));
        }
    }

    private void write(PrintWriter console, FeedbackItems items) {
        String lines =
                items.rows().stream()
                        .map(row -> Json.compact(row) + "\n")
                        .collect(Collectors.joining());
        try {
            AtomicFile.writeText(out, lines);
        } catch (IOException e) {
            throw new ConfigException("--out: %s can't be written: %s".formatted(out, e), e);
        }
        items.notes().forEach(console::println);
        console.println("written: %s, %d rows".formatted(out, items.rows().size()));
    }

    private static String line(Release release) {
        return "release %d of %s, %s: %s (%s)"
                .formatted(
                        release.number(),
                        release.model(),
                        release.time(),
                        release.isStart() ? "as before the first" : release.adapter(),
                        release.evidence());
    }
}
