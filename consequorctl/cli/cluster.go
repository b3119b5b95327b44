package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"consequor/supervisor"
	"consequor/topologies"
)

// clusterFlag is the name given with --cluster; empty: $CONSEQUOR_CLUSTER,
// else the only cluster that runs.
type clusterFlag string

// Validate is called by the parser: no cluster can have another name.
func (name clusterFlag) Validate() error {
	if name != "" && !topologies.ValidName(string(name)) {
		return fmt.Errorf("%q is no cluster's name: names match %s", string(name), topologies.NamePattern)
	}
	return nil
}

// find returns a client for the running cluster that is meant.
func (name clusterFlag) find() (*supervisor.Client, error) {
	return supervisor.Find(string(name))
}

// home returns the folder of the cluster that is meant, running or not: when
// none is named and none runs, the only one there is.
func (name clusterFlag) home() (string, error) {
	if name == "" {
		name = clusterFlag(os.Getenv("CONSEQUOR_CLUSTER"))
	}
	if name != "" {
		return existingHome(string(name))
	}
	running, err := supervisor.Find("")
	if err == nil {
		return running.Home(), nil
	}
	homes, listErr := supervisor.Homes()
	if listErr != nil {
		return "", listErr
	}
	if len(homes) == 1 {
		return homes[0].Path, nil
	}
	var e *supervisor.Error
	if len(homes) > 1 && errors.As(err, &e) && e.Kind == supervisor.KindNotRunning {
		return "", &supervisor.Error{Kind: e.Kind, Message: e.Message, Hint: "say which of those that are down with --cluster NAME: " + homeNames(homes)}
	}
	return "", err
}

func homeNames(homes []supervisor.ClusterHome) string {
	names := make([]string, len(homes))
	for i, h := range homes {
		names[i] = h.Name
	}
	return strings.Join(names, ", ")
}

func existingHome(name string) (string, error) {
	homes, err := supervisor.Homes()
	if err != nil {
		return "", err
	}
	for _, h := range homes {
		if h.Name == name {
			return h.Path, nil
		}
	}
	return "", &supervisor.Error{Kind: supervisor.KindNoSuchCluster, Message: "there is no cluster " + name}
}
