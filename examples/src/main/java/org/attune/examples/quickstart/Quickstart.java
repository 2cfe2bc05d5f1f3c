package org.attune.examples.quickstart;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Writes what the quickstart needs into a folder: `model/` with random weights, and the data.
/// `examples/quickstart/run` calls it, then `attune sft` and `attune dpo`.
public final class Quickstart {
    private static final int SEED = 20261;

    private Quickstart() {}

    /// Writes the model and the data.
    ///
    /// @param args the folder, created if it is not there
    public static void main(String[] args) throws IOException {
        if (args.length != 1) {
            throw new IllegalArgumentException("one argument is needed: the folder to write to");
        }
        Path folder = Files.createDirectories(Path.of(args[0]));
        TinyModel.defaults()
                .write(Files.createDirectories(folder.resolve("model")), random("weights"));
        QuickstartData.draw(QuickstartData.Sizes.defaults(), random("data")).write(folder);
    }

    private static UniformRandomProvider random(String purpose) {
        return RandomSource.XO_SHI_RO_256_PP.create(new long[] {SEED, purpose.hashCode()});
    }
}
