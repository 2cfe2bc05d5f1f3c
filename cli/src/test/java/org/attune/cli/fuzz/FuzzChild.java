package org.attune.cli.fuzz;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/// The process that reads: it is thrown away when a reader doesn't come back.
///
/// It says `case NUMBER TARGET` before each case and, if something is found, `find`; the parent
/// then copies the input and answers with a line.
final class FuzzChild {
    /// Name of the file beside an input that says what was found.
    static final String REPORT = "find.txt";

    private static final double SECONDS = 2;

    private final List<Target> targets;
    private final Path work;
    private final long seed;

    private FuzzChild(List<Target> targets, Path work, long seed) {
        this.targets = targets;
        this.work = work;
        this.seed = seed;
    }

    /// Arguments: folder for inputs, seed, number of the first case, names of the targets.
    public static void main(String[] args) throws Exception {
        PrintStream parent =
                new PrintStream(
                        new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        System.setOut(System.err); // whatever a library prints
        List<Target> targets = Targets.named(args[3]);
        var child = new FuzzChild(targets, Path.of(args[0]), Long.parseLong(args[1]));
        child.run(Long.parseLong(args[2]), parent);
    }

    private void run(long first, PrintStream parent) throws Exception {
        var answers = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (long number = first; ; number++) {
            Target target = targets.get((int) (number % targets.size()));
            Sample input = input(target, seed, number);
            Path folder = emptied(work.resolve("input"));
            input.write(folder);
            parent.println("case " + number + " " + target.name());
            Trial.Outcome outcome = trial(target).run(target.reader(), folder, input.bytes());
            Optional<Find> find = outcome.find();
            if (find.isPresent()) {
                Files.writeString(work.resolve(REPORT), find.get().details());
                parent.println("find " + find.get().signature());
                if (answers.readLine() == null) {
                    return;
                }
            }
            if (!outcome.finished() || find.isPresent() && find.get().what().contains("Memory")) {
                Runtime.getRuntime().halt(0);
            }
        }
    }

    /// What a target's reader may take.
    static Trial trial(Target target) {
        return new Trial(SECONDS, (long) target.megabytes() << 20);
    }

    /// The input of a case. The same seed and number give the same.
    static Sample input(Target target, long seed, long number) {
        var random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + number);
        random.nextLong();
        return new Mutation(random.split()).of(Odd.pick(target.samples(), random));
    }

    private static Path emptied(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (var paths = Files.walk(folder)) {
                for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
        return Files.createDirectories(folder);
    }
}
