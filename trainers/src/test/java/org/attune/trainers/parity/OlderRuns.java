package org.attune.trainers.parity;

import org.attune.tensor.Engine;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.TextAssets;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.testing.ParityCase;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// Recorded runs of trainers that only older versions of TRL have, side by side in one folder. Each
/// is read with the tokenizer of the model that wrote it.
final class OlderRuns {
    private static final Set<String> TRAINERS = Set.of("bco", "ppo", "prm");

    private OlderRuns() {}

    /// Compares every run that a trainer made.
    ///
    /// @param output where our runs may write
    static void compareAll(
            String trainer, Path output, Class<?> test, Consumer<ParityCase> compare) {
        Path root = Fixtures.fixture("trl/older").getParent();
        try (var report = new CaseReport("fixtures-trl", test)) {
            for (Path folder : Recorded.folders(root.resolve("older"))) {
                String made = Recorded.trainer(folder);
                if (made.equals(trainer)) {
                    compare(root, folder, output, report, compare);
                } else if (TRAINERS.contains(made)) {
                    report.elsewhere();
                } else if (!made.isEmpty()) { // else it is a model
                    report.unsupported(folder.getFileName().toString());
                }
            }
        }
    }

    private static void compare(
            Path root, Path folder, Path output, CaseReport report, Consumer<ParityCase> compare) {
        String name = folder.getFileName().toString();
        var bare = ParityCase.of(root, null, folder, output.resolve(name));
        Optional<String> missing = bare.unsupported();
        if (missing.isPresent()) {
            report.unsupported(name + " (" + missing.get() + ")");
            return;
        }
        report.run(
                name,
                () -> {
                    try (var text = TextAssets.load(bare.path("model"))) {
                        var tokenizer = new SampleTokenizer(text.tokenizer(), text.template());
                        var parity = ParityCase.of(root, tokenizer, folder, bare.output());
                        Engine.run(() -> compare.accept(parity));
                    }
                });
    }
}
