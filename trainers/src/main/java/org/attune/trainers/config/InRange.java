package org.attune.trainers.config;

import jakarta.validation.Constraint;
import jakarta.validation.Payload;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// A finite number in a range; NaN and infinities are never in it. Without limits: any finite
/// number. The message is what is accepted, e.g. `a number in [0, 0.5)`.
@Documented
@Constraint(validatedBy = InRangeValidator.class)
@Target({
    ElementType.METHOD,
    ElementType.FIELD,
    ElementType.PARAMETER,
    ElementType.RECORD_COMPONENT,
    ElementType.TYPE_USE
})
@Retention(RetentionPolicy.RUNTIME)
public @interface InRange {
    /// Least value.
    double min() default Double.NEGATIVE_INFINITY;

    /// Greatest value.
    double max() default Double.POSITIVE_INFINITY;

    /// Whether `min` itself is refused.
    boolean minOpen() default false;

    /// Whether `max` itself is refused.
    boolean maxOpen() default false;

    /// What to use instead, where that isn't plain; stands behind the range.
    String message() default "";

    Class<?>[] groups() default {};

    Class<? extends Payload>[] payload() default {};
}
