package org.attune.trainers.config;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// A range for one number of the record that a configuration's component holds, in place of the
/// narrower one that this number has there.
@Documented
@Target(ElementType.RECORD_COMPONENT)
@Retention(RetentionPolicy.RUNTIME)
public @interface WiderRange {
    /// The number's component.
    String of();

    /// What is accepted.
    InRange range();
}
