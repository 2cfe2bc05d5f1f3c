package org.attune.model.source;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.files.TensorFile;
import org.attune.model.config.ConfigJson;
import org.attune.tensor.DType;

import java.util.Optional;

/// Reads the tensors of a folder whose matrices are in few bits as the matrices that they are.
final class QuantisedFolder {
    private QuantisedFolder() {}

    /// The tensors of a folder: the file itself, if all of its matrices are dense.
    ///
    /// @param config the folder's `config.json`
    /// @param file is the result's
    /// @throws ModelException naming key and value of what isn't read, or a tensor that doesn't fit
    static TensorFile of(JsonFields config, TensorFile file) {
        Optional<JsonFields> how = ConfigJson.textOf(config).object(ConfigJson.QUANTISATION);
        String method = how.map(json -> json.text("quant_method", "")).orElse("");
        var tensors = new CodedTensors(method.isEmpty() ? "bitsandbytes" : method, file);
        switch (method) {
            case "gptq" -> PackedTensors.addGptq(how.orElseThrow(), tensors);
            case "awq" -> PackedTensors.addAwq(how.orElseThrow(), tensors);
            case "fp8" -> ScaledTensors.addFloats(how.orElseThrow(), tensors);
            case "compressed-tensors" -> ScaledTensors.addCompressed(how.orElseThrow(), tensors);
            default -> BitsAndBytesTensors.add(tensors); // whose tensors say what they are
        }
        TensorFile all = tensors.isDense() ? file : tensors;
        for (TensorFile.Entry entry : all.entries().values()) {
            if (entry.dtype() == DType.FLOAT8) {
                throw new ModelException(
                        ("tensor \"%s\" is in FP8, but has no scale that quantization_config speaks"
                             + " of; accepted: matrices of quant_method fp8 or compressed-tensors")
                                .formatted(entry.name()));
            }
        }
        return all;
    }
}
