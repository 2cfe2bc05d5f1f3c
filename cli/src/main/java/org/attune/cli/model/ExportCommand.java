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
import org.attune.models.ModelConfig;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.concurrent.Callable;

/// `attune export --model MODEL --output DIR`, with `--gguf TYPE` as a GGUF file, with
/// `--compressed-tensors TYPE` as a folder of 8 bits.
@Command(
        name = "export",
        description = {
            "Write a model as a folder for Python or vLLM, or as a GGUF file.",
            "Of a GGUF file, with the very numbers that adapters were trained on."
        })
public final class ExportCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Mixin OutputOptions output;
    @Spec CommandSpec spec;

    @Option(
            names = "--gguf",
            paramLabel = "TYPE",
            description =
                    "Write a GGUF file, with the adapter merged in if there is one: f32, f16, bf16,"
                            + " q8_0, q6_k, q5_k_m, q4_k_m, q4_1, q4_0 or mxfp4.")
    String gguf;

    @Option(
            names = "--compressed-tensors",
            paramLabel = "TYPE",
            description =
                    "Write a folder whose linear layers are in 8 bits, with the adapter merged in"
                        + " if there is one: int8 or fp8, with activations rounded likewise by what"
                        + " serves it.")
    String compressed;

    @Option(
            names = "--adapter-only",
            description =
                    "With --gguf f32, f16 or bf16: write the adapter alone, for llama.cpp's --lora,"
                            + " instead of a model that it is merged into.")
    boolean adapterOnly;

    @Option(
            names = "--imatrix",
            paramLabel = "RUN.yaml",
            description =
                    "With --gguf q4_k_m, q5_k_m or q6_k: columns of matrices count by what they are"
                            + " multiplied with in the rows of a run.")
    String imatrix;

    @Override
    public Integer call() {
        if (gguf != null && compressed != null) {
            throw new ConfigException("--gguf and --compressed-tensors: give one of the two");
        }
        if (gguf == null && adapterOnly) {
            throw new ConfigException("--adapter-only needs --gguf: f32, f16 or bf16");
        }
        boolean searched = gguf != null && GgufOutput.type(gguf).isSearched();
        if (imatrix != null && (!searched || adapterOnly)) {
            throw new ConfigException("--imatrix needs --gguf: q4_k_m, q5_k_m or q6_k");
        }
        if (gguf != null) {
            if (output.format != null) {
                throw new ConfigException("--dtype: the type of a GGUF file is --gguf's");
            }
            var file =
                    new GgufOutput(
                            GgufOutput.type(gguf),
                            output.output,
                            model.device,
                            imatrix,
                            spec.commandLine().getOut());
            ModelConfig config = model.config(DtypeChoice.FLOAT32);
            Engine.run(() -> write(file, config));
            return ExitCodes.DONE;
        }
        if (compressed != null) {
            DType codes = CompressedOutput.codes(compressed);
            PrintWriter out = spec.commandLine().getOut();
            var folder = new CompressedOutput(codes, output, model.device, out);
            ModelConfig config = model.config(DtypeChoice.FLOAT32);
            Engine.run(() -> folder.write(config));
            return ExitCodes.DONE;
        }
        if (model.adapter != null) {
            throw new ConfigException(
                    "--adapter: use attune merge, which writes both as one, --gguf or"
                            + " --compressed-tensors");
        }
        Engine.run(this::export);
        spec.commandLine().getOut().println(output.output + " written");
        return ExitCodes.DONE;
    }

    private void write(GgufOutput file, ModelConfig config) {
        if (adapterOnly) {
            file.writeAdapter(config);
        } else {
            file.write(config);
        }
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
