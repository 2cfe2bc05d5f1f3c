package org.attune.cli.model;

import org.attune.adapter.AdapterCombination;
import org.attune.adapter.AdapterFolder;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.UsesEngine;
import org.attune.error.ModelException;
import org.attune.files.AtomicFolder;
import org.attune.hub.HubDownload;
import org.attune.tensor.Engine;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.Callable;

/// `attune combine ADAPTER… --weights 0.7,0.4 --output DIR`
@Command(
        name = "combine",
        description = {
            "Make one LoRA adapter of several, with weights.",
            "Computes what PEFT's add_weighted_adapter does.",
            "The base model isn't needed. cat is the exact weighted sum of the updates; svd and"
                    + " kinds that end with it are approximations of a given rank; the others"
                    + " combine the matrices A and B each by itself."
        })
public final class CombineCommand implements Callable<Integer>, UsesEngine {
    /// Which signs are the majority.
    enum Signs {
        TOTAL,
        FREQUENCY
    }

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(
            arity = "1..*",
            paramLabel = "ADAPTER",
            description = "PEFT folders of LoRA adapters, or names on the Hub.")
    List<String> adapters;

    @Option(
            names = "--weights",
            required = true,
            split = ",",
            paramLabel = "W",
            description = "A number for each adapter, as 0.7,-0.4; negative ones take away.")
    List<Double> weights;

    @Option(
            names = "--type",
            defaultValue = "svd",
            description =
                    "linear, cat, svd, ties, ties_svd, dare_ties, dare_linear, dare_ties_svd,"
                            + " dare_linear_svd, magnitude_prune or magnitude_prune_svd (default:"
                            + " ${DEFAULT-VALUE}).")
    AdapterCombination.Kind kind;

    @Option(
            names = "--density",
            description = "Share of numbers that is kept, in (0, 1], for kinds that drop some.")
    Double density;

    @Option(
            names = "--svd-rank",
            description = "Rank of the result of kinds by SVD (default: the largest given one).")
    Integer svdRank;

    @Option(
            names = "--svd-clamp",
            paramLabel = "QUANTILE",
            description = "Cut numbers of such results off at this quantile (default: don't).")
    Double svdClamp;

    @Option(
            names = "--majority-sign",
            defaultValue = "total",
            description =
                    "total or frequency, for ties: whether signs are those of sums of values or"
                            + " of counts (default: ${DEFAULT-VALUE}).")
    Signs signs;

    @Option(
            names = "--seed",
            defaultValue = "42",
            description = "Another one has DARE drop other numbers (default: ${DEFAULT-VALUE}).")
    long seed;

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "DIR",
            description = "Folder to write; must not exist or be empty.")
    Path output;

    @Override
    public String afterStop() {
        return "nothing is written";
    }

    @Override
    public Integer call() {
        var combination =
                new AdapterCombination(
                        kind,
                        weights,
                        svdRank == null ? OptionalInt.empty() : OptionalInt.of(svdRank),
                        optional(svdClamp),
                        optional(density),
                        signs == Signs.FREQUENCY,
                        seed);
        OutputOptions.requireEmpty(output);
        Engine.run(() -> write(combination));
        spec.commandLine().getOut().println(output + " written");
        return ExitCodes.DONE;
    }

    private static OptionalDouble optional(Double value) {
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    private void write(AdapterCombination combination) {
        List<AdapterFolder> parts = new ArrayList<>();
        try (AtomicFolder folder = AtomicFolder.create(output)) {
            adapters.forEach(a -> parts.add(AdapterFolder.open(a, HubDownload.cache())));
            combination.write(parts, folder.path());
            folder.commit();
        } catch (IOException e) {
            throw new ModelException(output + " can't be written: " + e, e);
        } finally {
            parts.forEach(AdapterFolder::close);
        }
    }
}
