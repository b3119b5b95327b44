// Package topologies reads the YAML file that says what a cluster is made of.
package topologies
