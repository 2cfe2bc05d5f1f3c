package org.attune.cli.model;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.ModelOptions;
import org.attune.cli.command.UsesEngine;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.files.AtomicFolder;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.source.ModelExport;
import org.attune.models.DtypeChoice;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.StepSeparator;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune merge --model MODEL --adapter ADAPTER --output DIR`
@Command(
        name = "merge",
        description = {
            "Merge an adapter into its base: one model folder.",
            "What is written is read again and compared with base and adapter. If it computes"
                    + " something else, nothing is left, and the exit code isn't 0."
        })
public final class MergeCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Mixin OutputOptions output;
    @Spec CommandSpec spec;
    private boolean scores;

    @Option(
            names = "--tolerance",
            paramLabel = "SHARE",
            description =
                    "How far the merged model's logits may be from those of base and adapter, as a"
                        + " share of their size (default: 0.001 in float32, 0.02 in float16, 0.1 in"
                        + " bfloat16).")
    Double tolerance;

    @Override
    public String afterStop() {
        return "nothing is written";
    }

    @Override
    public Integer call() {
        if (model.adapter == null) {
            throw new ConfigException("--adapter is missing; without one use attune export");
        }
        OutputOptions.requireEmpty(output.output);
        return Engine.call(this::merge);
    }

    /// Nothing stands under the folder's name before it was compared.
    private int merge() {
        try (AtomicFolder folder = AtomicFolder.create(output.output)) {
            MergeCheck check = written(folder.path());
            check.require(tolerance == null ? MergeCheck.tolerance(check.dtype()) : tolerance);
            folder.commit();
            report(check);
        } catch (IOException e) {
            throw new ModelException(output.output + " can't be written: " + e, e);
        }
        return ExitCodes.DONE;
    }

    private void report(MergeCheck check) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                Locale.ROOT,
                "%s written; largest difference of %s to base with adapter: %.3g, %.3g of their"
                        + " size (the adapter: %.3g)%n",
                output.output,
                scores ? "scores" : "logits",
                ProbeLogits.largestDifference(check.adapted(), check.merged()),
                check.difference(),
                check.effect());
        if (check.isDrowned()) {
            out.println(
                    "Rounding changes more than half as much as the adapter does: --dtype float32"
                            + " keeps all of it.");
        }
    }

    /// Writes the merged model, reads it again and computes with it.
    private MergeCheck written(Path folder) {
        // In float32, whatever is written: the update is added once and rounded once.
        ModelConfig config = model.config(DtypeChoice.FLOAT32);
        float[] base;
        float[] adapted;
        DType dtype;
        try (var loaded = LoadedModel.openAny(config)) {
            base = ProbeLogits.of(loaded.decoder(), Adapter.OFF);
            adapted = ProbeLogits.of(loaded.decoder(), loaded.adapterInUse());
            dtype = output.dtype(loaded.setup().source().config().dtype());
            write(loaded, loaded.adapted().orElseThrow(), dtype, folder);
        }
        try (var merged =
                LoadedModel.openAny(
                        ModelConfig.of(folder.toString())
                                .withDtype(DtypeChoice.FLOAT32)
                                .withDevice(model.device))) {
            scores = merged.decoder().config().scores();
            return new MergeCheck(
                    base, adapted, ProbeLogits.of(merged.decoder(), Adapter.OFF), dtype);
        }
    }

    private void write(LoadedModel loaded, Policy adapted, DType dtype, Path folder) {
        DecoderConfig own = loaded.setup().source().config();
        DecoderConfig written = adapted.mergedConfig(dtype);
        ModelExport.write(
                folder,
                loaded.setup().source(),
                written,
                OutputOptions.untilStopped(adapted.weights(dtype)),
                ModelExport.DEFAULT_SHARD_BYTES);
        OutputOptions.writeText(loaded.setup(), folder);
        copySeparator(loaded.setup(), folder);
        if (own.tieWordEmbeddings() && !written.tieWordEmbeddings()) {
            spec.commandLine()
                    .getOut()
                    .println(
                            "The adapter parts embedding and output layer, which were one: both are"
                                    + " written (tie_word_embeddings: false).");
        }
    }

    /// A process reward model is only half of one without it.
    private static void copySeparator(ModelSetup setup, Path folder) {
        Optional<StepSeparator> separator =
                setup.adapter().flatMap(adapter -> StepSeparator.of(adapter.path()));
        if (separator.isPresent()) {
            try {
                separator.get().write(folder);
            } catch (IOException e) {
                throw new ModelException(folder + " can't be written: " + e, e);
            }
        }
    }
}
