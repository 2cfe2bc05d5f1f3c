package org.attune.cli.model;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.ModelOptions;
import org.attune.cli.command.UsesEngine;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
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
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune merge --model MODEL --adapter ADAPTER --output DIR`
@Command(name = "merge", description = "Merge an adapter into its base: one model folder.")
public final class MergeCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Mixin OutputOptions output;
    @Spec CommandSpec spec;

    @Override
    public Integer call() {
        if (model.adapter == null) {
            throw new ConfigException("--adapter is missing; without one use attune export");
        }
        return Engine.call(this::merge);
    }

    @Override
    public String afterStop() {
        return Files.exists(output.output.resolve("config.json"))
                ? output.output + " is written and was not compared with base and adapter"
                : UsesEngine.super.afterStop();
    }

    private int merge() {
        // In float32, whatever is written: the update is added once and rounded once.
        ModelConfig config = model.config(DtypeChoice.FLOAT32);
        float[] before;
        try (var loaded = LoadedModel.openAny(config)) {
            before = ProbeLogits.of(loaded.decoder(), loaded.adapterInUse());
            write(loaded, loaded.adapted().orElseThrow());
        }
        // What was written is read again: a merge that went wrong should be seen here.
        try (var merged =
                LoadedModel.openAny(
                        ModelConfig.of(output.output.toString())
                                .withDtype(DtypeChoice.FLOAT32)
                                .withDevice(model.device))) {
            float[] after = ProbeLogits.of(merged.decoder(), Adapter.OFF);
            spec.commandLine()
                    .getOut()
                    .printf(
                            Locale.ROOT,
                            "%s written; largest difference of %s to base with adapter: %.3g%n",
                            output.output,
                            merged.decoder().config().scores() ? "scores" : "logits",
                            ProbeLogits.largestDifference(before, after));
        }
        return ExitCodes.DONE;
    }

    private void write(LoadedModel loaded, Policy adapted) {
        DecoderConfig own = loaded.setup().source().config();
        DType dtype = output.dtype(own.dtype());
        DecoderConfig written = adapted.mergedConfig(dtype);
        ModelExport.write(
                output.output,
                loaded.setup().source(),
                written,
                OutputOptions.untilStopped(adapted.weights(dtype)),
                ModelExport.DEFAULT_SHARD_BYTES);
        OutputOptions.writeText(loaded.setup(), output.output);
        copySeparator(loaded.setup());
        if (own.tieWordEmbeddings() && !written.tieWordEmbeddings()) {
            spec.commandLine()
                    .getOut()
                    .println(
                            "The adapter parts embedding and output layer, which were one: both are"
                                    + " written (tie_word_embeddings: false).");
        }
    }

    /// A process reward model is only half of one without it.
    private void copySeparator(ModelSetup setup) {
        Optional<StepSeparator> separator =
                setup.adapter().flatMap(adapter -> StepSeparator.of(adapter.path()));
        if (separator.isPresent()) {
            try {
                separator.get().write(output.output);
            } catch (IOException e) {
                throw new ModelException(output.output + " can't be written: " + e, e);
            }
        }
    }
}
