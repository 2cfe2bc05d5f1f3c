package org.attune.tensor;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// Element types, with libtorch's `ScalarType` number and the name used in safetensors files.
/// Nothing computes with numbers of 8 bits: they are read.
@Api(EXPERIMENTAL)
public enum DType {
    UINT8(0, 1, "U8"),
    INT8(1, 1, "I8"),
    INT16(2, 2, "I16"),
    INT32(3, 4, "I32"),
    INT64(4, 8, "I64"),
    FLOAT16(5, 2, "F16"),
    FLOAT32(6, 4, "F32"),
    FLOAT64(7, 8, "F64"),
    BOOL(11, 1, "BOOL"),
    BFLOAT16(15, 2, "BF16"),
    FLOAT8(24, 1, "F8_E4M3");

    /// Powers of two as their exponents, which are bytes in some files and have this name in
    /// others.
    private static final String POWERS = "F8_E8M0";

    private final int scalarType;
    private final int bytes;
    private final String fileName;

    DType(int scalarType, int bytes, String fileName) {
        this.scalarType = scalarType;
        this.bytes = bytes;
        this.fileName = fileName;
    }

    /// libtorch's number of this type.
    public int scalarType() {
        return scalarType;
    }

    /// Bytes of one element.
    public int bytes() {
        return bytes;
    }

    /// Name in safetensors headers, e.g. `BF16`.
    public String fileName() {
        return fileName;
    }

    /// Whether values are real numbers (and can have gradients).
    public boolean isFloat() {
        return this == FLOAT16 || this == FLOAT32 || this == FLOAT64 || this == BFLOAT16;
    }

    /// The type with libtorch's number.
    ///
    /// @throws IllegalArgumentException if Attune doesn't know it
    public static DType ofScalarType(int number) {
        for (DType t : values()) {
            if (t.scalarType == number) {
                return t;
            }
        }
        throw new IllegalArgumentException("libtorch scalar type " + number + " is not supported");
    }

    /// The type with a safetensors name.
    ///
    /// @throws IllegalArgumentException if Attune doesn't know it
    public static DType ofFileName(String name) {
        if (name.equals(POWERS)) {
            return UINT8;
        }
        for (DType t : values()) {
            if (t.fileName.equals(name)) {
                return t;
            }
        }
        throw new IllegalArgumentException(
                "dtype \"" + name + "\" is not supported in safetensors files");
    }
}
