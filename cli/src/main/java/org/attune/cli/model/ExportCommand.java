package org.attune.cli.model;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.ModelOptions;
import org.attune.cli.command.UsesEngine;
import org.attune.error.ConfigException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.source.ModelExport;
import org.attune.models.DtypeChoice;
import org.attune.models.LoadedModel;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/// `attune export --model FILE.gguf --output DIR`
@Command(
        name = "export",
        description = {
            "Write a model as a folder for Python.",
            "Of a GGUF file, with the very numbers that adapters were trained on."
        })
public final class ExportCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Mixin OutputOptions output;
    @Spec CommandSpec spec;

    @Override
    public Integer call() {
        if (model.adapter != null) {
            throw new ConfigException("--adapter: use attune merge, which writes both as one");
        }
        Engine.run(this::export);
        spec.commandLine().getOut().println(output.output + " written");
        return ExitCodes.DONE;
    }

    private void export() {
        try (var loaded = LoadedModel.open(model.config(DtypeChoice.FLOAT32))) {
            DecoderConfig own = loaded.setup().source().config();
            DType dtype = output.dtype(own.dtype());
            ModelExport.write(
                    output.output,
                    loaded.setup().source(),
                    own.withDtype(dtype),
                    OutputOptions.untilStopped(Policy.weights(loaded.decoder(), dtype)),
                    ModelExport.DEFAULT_SHARD_BYTES);
            OutputOptions.writeText(loaded.setup(), output.output);
        }
    }
}
