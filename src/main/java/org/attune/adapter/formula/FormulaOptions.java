package org.attune.adapter.formula;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import org.attune.error.ConfigException;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/// What a kind of adapter with a formula has in its `adapter_config.json` beside what all have.
/// Immutable.
///
/// @param values by PEFT's names
public record FormulaOptions(Map<String, JsonNode> values) {
    public FormulaOptions {
        values = Collections.unmodifiableMap(new TreeMap<>(values));
    }

    /// Sets a whole number.
    public FormulaOptions with(String key, int value) {
        return with(key, JsonNodeFactory.instance.numberNode(value));
    }

    /// Sets a number.
    public FormulaOptions with(String key, double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e9
                ? with(key, (int) value) // PEFT declares α an integer, though it takes any number
                : with(key, JsonNodeFactory.instance.numberNode(value));
    }

    /// Sets a truth value.
    public FormulaOptions with(String key, boolean value) {
        return with(key, JsonNodeFactory.instance.booleanNode(value));
    }

    FormulaOptions with(String key, JsonNode value) {
        if (!values.containsKey(key)) {
            throw new IllegalArgumentException(key + " is none of " + values.keySet());
        }
        Map<String, JsonNode> other = new TreeMap<>(values);
        other.put(key, value);
        return new FormulaOptions(other);
    }

    boolean flag(String key) {
        return values.get(key).booleanValue();
    }

    /// A finite number.
    double number(String key) {
        double value = values.get(key).doubleValue();
        if (!Double.isFinite(value)) {
            throw new ConfigException(key + " is " + value + "; accepted: finite numbers");
        }
        return value;
    }

    int integer(String key) {
        JsonNode value = values.get(key);
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw new ConfigException(key + " is " + value + "; accepted: 32-bit integers");
        }
        return value.intValue();
    }

    /// A seed of PyTorch's generators. Negative ones mean other seeds in its documentation than in
    /// its code.
    long seed(String key) {
        JsonNode value = values.get(key);
        if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
            throw new ConfigException(
                    "%s is %s; accepted: integers from 0 to %d"
                            .formatted(key, value, Long.MAX_VALUE));
        }
        return value.longValue();
    }

    /// An integer ≥ 1.
    int count(String key) {
        int value = integer(key);
        if (value < 1) {
            throw new ConfigException(key + " is " + value + "; accepted: integers ≥ 1");
        }
        return value;
    }

    /// An integer ≥ 1, or −1.
    int factor(String key) {
        return integer(key) == -1 ? -1 : count(key);
    }

    /// Whether a fresh adapter changes nothing (`init_weights`).
    public boolean startsAtBase() {
        JsonNode value = values.get("init_weights");
        return value == null || !value.isBoolean() || value.booleanValue();
    }
}
