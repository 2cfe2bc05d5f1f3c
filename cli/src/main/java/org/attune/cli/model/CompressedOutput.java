package org.attune.cli.model;

import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.files.AtomicFolder;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.source.ModelExport;
import org.attune.models.DtypeChoice;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.policy.InputImportance;
import org.attune.policy.Policy;
import org.attune.tensor.DType;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;

/// Writes a model, with an adapter merged in if there is one, as a folder whose linear modules are
/// in compressed-tensors' 8 bits, reads it again and says how far it computes the same.
///
/// @param codes  INT8 or FLOAT8
/// @param output folder, and number format of everything else
/// @param device that computes
/// @param out    for the report
record CompressedOutput(DType codes, OutputOptions output, String device, PrintWriter out) {
    /// How far logits may be from the model's, as a share of their size. Wrong files differ
    /// by far more; random models of ten families stayed below 0.15.
    private static final double TOLERANCE = 0.2;

    /// @throws ConfigException naming the types if there is no such one
    static DType codes(String name) {
        return switch (name) {
            case "int8" -> DType.INT8;
            case "fp8" -> DType.FLOAT8;
            default ->
                    throw new ConfigException(
                            "--compressed-tensors: there is no type \"%s\"; accepted: int8, fp8"
                                    .formatted(name));
        };
    }

    /// Nothing stands under the folder's name before it was compared.
    void write(ModelConfig model) {
        OutputOptions.requireEmpty(output.output);
        try (AtomicFolder whole = AtomicFolder.create(output.output)) {
            float[] own;
            int vocabulary;
            try (var loaded = LoadedModel.open(model.withDtype(DtypeChoice.FLOAT32))) {
                own = ProbeLogits.of(loaded.decoder(), loaded.adapterInUse());
                vocabulary = loaded.decoder().config().vocabSize();
                write(loaded, whole);
            }
            GgufCheck check = compared(own, whole, vocabulary);
            check.require("the folder", codes == DType.INT8 ? "int8" : "fp8", TOLERANCE);
            whole.commit();
            out.printf(
                    "%s written; with activations as they are %s%n", output.output, check.words());
        } catch (IOException e) {
            throw new ModelException(output.output + " can't be written: " + e, e);
        }
    }

    private void write(LoadedModel loaded, AtomicFolder folder) {
        Decoder decoder = loaded.decoder();
        DType dtype = output.dtype(loaded.setup().source().config().dtype());
        DecoderConfig config =
                loaded.adapted()
                        .map(a -> a.mergedConfig(dtype))
                        .orElseGet(() -> loaded.setup().source().config().withDtype(dtype));
        List<Source> all =
                ModelExport.inEightBits(
                        config,
                        InputImportance.matrices(decoder),
                        Policy.modules(decoder, loaded.adapted(), dtype),
                        Policy.modules(decoder, loaded.adapted(), DType.FLOAT32),
                        codes);
        ModelExport.write(
                folder.path(),
                loaded.setup().source(),
                config,
                OutputOptions.untilStopped(decoder.stored(all)),
                ModelExport.DEFAULT_SHARD_BYTES);
        OutputOptions.writeText(loaded.setup(), folder.path());
    }

    private GgufCheck compared(float[] own, AtomicFolder folder, int vocabulary) {
        try (var written =
                LoadedModel.open(
                        ModelConfig.of(folder.path().toString())
                                .withDtype(DtypeChoice.FLOAT32)
                                .withDevice(device))) {
            return new GgufCheck(own, ProbeLogits.of(written.decoder(), Adapter.OFF), vocabulary);
        }
    }
}
