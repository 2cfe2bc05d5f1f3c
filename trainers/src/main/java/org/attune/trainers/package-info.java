/// Trainers, and the parts they are composed of.
package org.attune.trainers;
