package org.attune.trainers.config;

import jakarta.validation.constraints.NotBlank;

import org.attune.optim.ParameterGroup;
import org.attune.records.CopyMethods;

import java.util.List;
import java.util.OptionalDouble;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Parameters with other settings than the rest, by their names.
///
/// @param params regular expression that is found in their names
/// @param lr their learning rate at its peak; unset: `learning_rate`
/// @param weightDecay theirs, biases and norms among them too; unset: `weight_decay`
@CopyMethods
public record GroupSpec(
        @NotBlank(message = "a regular expression that is found in names of parameters")
                String params,
        @InRange(min = 0) OptionalDouble lr,
        @InRange(min = 0) OptionalDouble weightDecay)
        implements GroupSpecCopies, CrossChecked {
    /// Nothing said.
    public static GroupSpec defaults() {
        return GroupSpecCopies.blank().withParams("");
    }

    /// Parameters without settings, which are in no group behind this one.
    public static GroupSpec of(String params) {
        return defaults().withParams(params);
    }

    /// The group that the optimizer takes.
    ///
    /// @param learningRate of the run, > 0 if the group has its own
    ParameterGroup group(double learningRate) {
        OptionalDouble factor =
                lr.isPresent()
                        ? OptionalDouble.of(lr.getAsDouble() / learningRate)
                        : OptionalDouble.empty();
        return ParameterGroup.named(Pattern.compile(params), factor, weightDecay);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        try {
            Pattern.compile(params);
            return List.of();
        } catch (PatternSyntaxException e) {
            return List.of(
                    new ConfigProblem(
                            "params", params, "a regular expression: " + e.getDescription()));
        }
    }
}
