package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// fileProblem is what is wrong with a file that a mount lays over one of the image.
// Without subPath, the whole directory would disappear behind the ConfigMap.
func (all objects) fileProblem(m corev1.VolumeMount, volume *corev1.ConfigMapVolumeSource) string {
	if volume == nil || all.configMaps[volume.Name] == nil {
		return ""
	}
	below, ok := strings.CutPrefix(m.MountPath, "/image/")
	if _, has := all.configMaps[volume.Name].Data[m.SubPath]; !ok || m.SubPath == "" || !has {
		return fmt.Sprintf("%s: subPath %q is no key of config map %s", m.MountPath, m.SubPath, volume.Name)
	}
	if !m.ReadOnly {
		return m.MountPath + ": the file of a config map is mounted as if it could be written"
	}
	webapp := filepath.Join(examples, "../webapp/image", below)
	if _, err := os.Stat(webapp); err != nil {
		return fmt.Sprintf("%s: the image has no such file: %v", m.MountPath, err)
	}
	return ""
}

// policyProblems are those of a policy that would cut off the app, or let in too many.
func (all objects) policyProblems(p *networkingv1.NetworkPolicy) (problems []string) {
	problem := func(format string, args ...any) {
		problems = append(problems, "NetworkPolicy "+p.Name+": "+fmt.Sprintf(format, args...))
	}
	selector := labels.SelectorFromSet(p.Spec.PodSelector.MatchLabels)
	for name, pod := range all.pods() {
		if matches := selector.Matches(labels.Set(pod.Labels)); matches != strings.HasPrefix(name, "Deployment ") {
			problem("whether its selector %s matches the pods of %s: %v", selector, name, matches)
		}
	}
	if len(p.Spec.PolicyTypes) != 2 {
		problem("policyTypes %v, want Ingress and Egress", p.Spec.PolicyTypes)
	}
	open := map[string]bool{} // ports, and whether they are open to everybody
	for _, rule := range p.Spec.Ingress {
		if len(rule.Ports) == 0 {
			problem("a rule lets everybody it names in at every port")
		}
		for _, port := range rule.Ports {
			open[port.Port.String()] = open[port.Port.String()] || len(rule.From) == 0
			for _, d := range all.deployments {
				if !hasPort(d.Spec.Template.Spec, port.Port.String()) {
					problem("port %s is none of Deployment %s", port.Port.String(), d.Name)
				}
			}
		}
	}
	for name, want := range map[string]bool{"http": true, "metrics": false} {
		if everybody, ok := open[name]; !ok || everybody != want {
			problem("port %s: let in %v, from everywhere %v, want %v", name, ok, everybody, want)
		}
	}
	return append(problems, egressProblems(p)...)
}

// egressProblems wants names and logs to get out: by UDP and TCP, because a long answer
// of DNS comes by TCP.
func egressProblems(p *networkingv1.NetworkPolicy) (problems []string) {
	out := map[string]bool{}
	for _, rule := range p.Spec.Egress {
		if len(rule.To) == 0 {
			problems = append(problems, "NetworkPolicy "+p.Name+": a rule lets the pod out to everywhere")
		}
		for _, port := range rule.Ports {
			protocol := corev1.ProtocolTCP
			if port.Protocol != nil {
				protocol = *port.Protocol
			}
			out[fmt.Sprint(protocol, " ", port.Port.String())] = true
		}
	}
	if !(out["UDP 53"] && out["TCP 53"]) && !(out["UDP 5353"] && out["TCP 5353"]) {
		problems = append(problems, "NetworkPolicy "+p.Name+": the pod cannot ask DNS by UDP and TCP")
	}
	if !out["TCP 6379"] {
		problems = append(problems, "NetworkPolicy "+p.Name+": the pod cannot reach Redis")
	}
	return problems
}
